"""Keystrokes a column, with the reader's draft and without, by the model of the handbook's way.

Columns of ten characters in hands the bundled reader never learned, whole and aged. The boxes are
given, so nothing is drawn or deleted with a draft; without one, every box is drawn. A model of
hands, not a measurement of people: ``annotation.keystrokes``.
"""

from __future__ import annotations

from collections.abc import Sequence

from annotation.candidates import candidates_of
from annotation.keystrokes import Touch, keystrokes
from assets.demo_material import content_face
from assets.resources import Project
from pipelines.geometry import Box
from pipelines.records import Candidate, Character, CharacterReading
from tests.benchmarks.measure import table
from tests.benchmarks.reading import conditions
from training.families.unicalli.library import cached_library
from training.families.unicalli.reading import UniCalliReader
from training.families.unicalli.weights import load_bundle
from training.roles import Proposal
from training.second_reader import HeedingReader, RapidOcrReader

SHARE = 6
"""Of the columns, one in so many is read."""


def bench_keystrokes(project: Project) -> None:
    """Mean presses a column in each condition, and how many wrong characters a key corrects."""
    bundle = load_bundle(project.settings.checkpoint)
    cells, cache = bundle.dims.cell_px, project.home / "cache"
    library = cached_library(
        bundle.vocabulary, content_face(project), bundle.autoencoder, cells, cache
    )
    second = RapidOcrReader()
    reader = HeedingReader(UniCalliReader(bundle, library), second)
    rows = []
    for name, (columns, truth) in conditions(project):
        columns, truth = columns[::SHARE], truth[::SHARE]
        read = zip(reader.read_columns(columns), second.read_columns(columns), truth, strict=True)
        touched = [_touches(draft, other, text) for draft, other, text in read]
        with_draft = sum(keystrokes(touches) for touches in touched) / len(columns)
        by_hand = Touch(place=0, typed=1, is_empty=True)
        without = sum(keystrokes((), [by_hand] * len(text)) for text in truth) / len(columns)
        wrong = [touch for touches in touched for touch in touches]
        picked = sum(touch.is_picked for touch in wrong)
        rows.append(
            (
                f"{name}, {len(columns)} columns",
                f"{with_draft:.1f}",
                f"{without:.1f}",
                f"{len(wrong)} of {sum(map(len, truth))}",
                f"{picked / len(wrong):.0%}" if wrong else "-",
            )
        )
    header = ("hand", "with draft", "without", "wrong", "of these one key away")
    table("Keystrokes a column of ten characters (a model)", header, rows)


def _touches(draft: Sequence[Proposal], other: Sequence[Proposal], truth: str) -> list[Touch]:
    boxes = [Box(0, place, 1, place + 1) for place in range(len(truth))]
    characters = [
        Character(character_id=str(place), box=box, confidence=1.0)
        for place, box in enumerate(boxes)
    ]
    offered = candidates_of(
        characters,
        {str(place): _reading(place, one) for place, one in enumerate(draft)},
        {str(place): _reading(place, one) for place, one in enumerate(other)},
    )
    return [
        Touch(
            place=place,
            is_picked=wanted in proposed.texts,
            typed=int(wanted not in proposed.texts),
            is_empty=not proposed.draft,
        )
        for place, (proposed, wanted) in enumerate(zip(offered, truth, strict=True), 1)
        if proposed.draft != wanted
    ]


def _reading(place: int, proposal: Proposal) -> CharacterReading:
    return CharacterReading(
        character_id=str(place),
        box=Box(0, place, 1, place + 1),
        text=proposal.text,
        score=proposal.score,
        margin=proposal.margin,
        candidates=tuple(Candidate(text=t, score=s) for t, s in proposal.candidates),
        alone=proposal.alone[0] if proposal.alone else proposal.text,
    )
