"""What was written must be read back, or is written again."""

from dataclasses import replace

import numpy as np

from pipelines.geometry import Box
from training.gate import written_right
from training.roles import Proposal, WrittenColumn


class Pen:
    """Writes a wrong character at first and the right one at the third try."""

    def __init__(self):
        self.tries = {}

    def write_column(self, text, prompt, seed=0):
        self.tries = {place: 1 for place in range(len(text))}
        boxes = tuple(Box(0, 48 * k, 48, 48 * k + 48) for k in range(len(text)))
        blank = np.zeros((48 * len(text), 48), np.uint8)
        return WrittenColumn(text=text, ink=blank, box_map=blank, boxes=boxes)

    def rewrite(self, column, places, prompt, seed):
        for place in places:
            self.tries[place] += 1
        return column


class Eye:
    """Reads the middle character wrong until the pen has tried three times."""

    def __init__(self, pen, text):
        self.pen, self.text = pen, text

    def read_columns(self, columns):
        return [
            [
                Proposal(
                    text=character if place != 1 or self.pen.tries[1] >= 3 else "乙",
                    score=1.0,
                    margin=1.0,
                    candidates=(),
                )
                for place, character in enumerate(self.text)
            ]
            for _ in columns
        ]


def test_only_what_reads_as_something_else_is_written_again():
    pen = Pen()
    checked = written_right(pen, Eye(pen, "天地玄"), "天地玄", "a prompt", tries=5)
    assert checked.wrong == ()
    assert checked.tries == 3
    assert pen.tries == {0: 1, 1: 3, 2: 1}


def test_what_never_reads_right_is_told():
    pen = Pen()
    checked = written_right(pen, Eye(pen, "天地玄"), "天地玄", "a prompt", tries=2)
    assert checked.wrong == (1,)
    assert checked.tries == 2


def test_variants_count_as_the_same_character():
    pen = Pen()
    checked = written_right(pen, Eye(pen, "为"), "為", "a prompt", tries=3)
    assert checked.wrong == ()


class Sloppy(Pen):
    """Each try fills its cells with the number of the try."""

    def write_column(self, text, prompt, seed=0):
        column = super().write_column(text, prompt, seed)
        return replace(column, ink=np.ones_like(column.ink))

    def rewrite(self, column, places, prompt, seed):
        super().rewrite(column, places, prompt, seed)
        ink = column.ink.copy()
        for place in places:
            ink[place * 48 : place * 48 + 48] = self.tries[place]
        return replace(column, ink=ink)


class Judge:
    """Reads a place right where its ink is among the numbers it likes."""

    def __init__(self, text, liked):
        self.text, self.liked = text, liked

    def read_columns(self, columns):
        return [
            [
                Proposal(
                    text=c if column.ink[48 * place, 0] in self.liked.get(place, (1,)) else "乙",
                    score=1.0,
                    margin=1.0,
                    candidates=(),
                )
                for place, c in enumerate(self.text)
            ]
            for column in columns
        ]


def test_what_only_the_second_reader_cannot_read_is_written_again_but_not_wrong():
    ours, theirs = Judge("天地玄", {1: (1, 3)}), Judge("天地玄", {0: (3,), 2: ()})
    checked = written_right(Sloppy(), ours, "天地玄", "a prompt", second=theirs, tries=4)
    assert checked.wrong == ()
    assert checked.tries == 4
    kept = [int(checked.column.ink[48 * place, 0]) for place in range(3)]
    assert kept == [1, 1, 1], "place 0 at its third try was no longer ours to read"


def test_each_character_keeps_its_best_try():
    ours = Judge("天地玄", {0: (1, 3), 1: (2,), 2: (1, 2, 3, 4)})
    theirs = Judge("天地玄", {0: (3,), 1: (), 2: ()})
    checked = written_right(Sloppy(), ours, "天地玄", "a prompt", second=theirs, tries=4)
    assert checked.wrong == ()
    assert [int(checked.column.ink[48 * place, 0]) for place in range(3)] == [3, 2, 1]
