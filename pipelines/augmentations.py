"""What a model shall write so that rare hands and rare characters are seen in training.

A hand of which thirty characters are approved lacks nearly all others. A model that has learned
the hand from those thirty can write some of what is missing. What it wrote stays synthetic: it is
of ``Origin.SYNTHETIC``, says which model wrote it, lies in a table of its own, and never leaves
in an export, which takes approved columns alone.

Holds: :class:`Lack`, what a hand lacks (:func:`lacks`), and the sample that a written column
becomes (:func:`written_sample`).

Keeps out: the writing and the check that it can be read (``training.augmenting``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from pipelines.geometry import Box
from pipelines.ids import derive_id
from pipelines.prompts import style_prompt
from pipelines.records import (
    ILLEGIBLE,
    Origin,
    Polarity,
    Sample,
    SampleCharacter,
    Script,
    Split,
    Work,
)

STAGE = "augmentations"


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationParams:
    """How much is written, for whom. All numbers are ours.

    Attributes:
        budget: Characters to be written in all hands together.
        fewest_known: Legible approved characters that a hand is learned from, at least; with
            fewer the model would write its own hand and call it theirs.
        rare_hand: A hand with this many approved characters or more needs no help.
        enough: How often a character must stand in a hand not to be lacked.
        commonest: Only of this many commonest characters: what nobody writes need not be read.
        in_column: Characters of a column.
    """

    budget: int = 240
    fewest_known: int = 5
    rare_hand: int = 1500
    enough: int = 1
    commonest: int = 2000
    in_column: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A hand, what is known of it, and what it lacks.

    Attributes:
        calligrapher: As on the works.
        script: The hand is a calligrapher's in one script.
        samples: Approved columns of the train split that show it.
        texts: Columns to be written, as canonical characters.
    """

    calligrapher: str
    script: Script
    samples: tuple[Sample, ...]
    texts: tuple[str, ...]


def lacks(
    samples: Iterable[Sample],
    characters: Sequence[str],
    params: AugmentationParams = AugmentationParams(),
) -> list[Lack]:
    """What each rare hand lacks, the least known hands first.

    What stands nowhere among all samples comes before what only this hand lacks, and commoner
    characters come before rarer ones. The budget is shared evenly.

    Args:
        samples: Only those of the train split count; nothing is ever learned from others.
        characters: Canonical ones, the commonest first.
        params: How much, for whom.
    """
    of_hand: dict[tuple[str, Script], list[Sample]] = defaultdict(list)
    everywhere: Counter[str] = Counter()
    for sample in samples:
        if sample.split is Split.TRAIN:
            of_hand[sample.work.calligrapher, sample.work.script].append(sample)
            everywhere.update(_legible(sample))
    known = {
        hand: Counter(c for sample in shown for c in _legible(sample))
        for hand, shown in of_hand.items()
    }
    rare = sorted(
        (hand for hand, count in known.items() if _needs_help(count, params)),
        key=lambda hand: (known[hand].total(), hand),
    )
    found = []
    for place, hand in enumerate(rare):
        share = (place + 1) * params.budget // len(rare) - place * params.budget // len(rare)
        wanted = [c for c in characters[: params.commonest] if known[hand][c] < params.enough]
        wanted.sort(key=lambda c: everywhere[c] > 0)
        wanted = wanted[:share]
        texts = tuple(
            "".join(wanted[start : start + params.in_column])
            for start in range(0, len(wanted), params.in_column)
        )
        if texts:
            calligrapher, script = hand
            found.append(
                Lack(
                    calligrapher=calligrapher,
                    script=script,
                    samples=tuple(of_hand[hand]),
                    texts=texts,
                )
            )
    return found


def written_sample(
    lack: Lack,
    text: str,
    boxes: Sequence[Box],
    ink_key: str,
    *,
    unreadable: Collection[int],
    model: str,
    code_version: str,
) -> Sample:
    """The sample of a column that a model wrote in a hand.

    Args:
        lack: Whose hand.
        text: What was asked for.
        boxes: One a character, in pixels of the picture.
        ink_key: The picture in the store, white ink on black.
        unreadable: Places that read back as something else: they stay in the picture as □, and
            nothing is learned from them.
        model: Fingerprint of the weights that wrote it.
        code_version: Goes into the sample.
    """
    first = lack.samples[0].work
    rights = sorted({sample.work.rights for sample in lack.samples})
    title = f"{text}, written by a model in the hand of {lack.calligrapher} ({lack.script.value})"
    work = replace(
        first,
        work_id=derive_id(first.work_id, STAGE, model, text),
        title=title,
        rights=" + ".join(rights),
        source=f"synthetic: model {model}, learned from {len(lack.samples)} approved columns",
        is_synthetic=True,
    )
    column_id = derive_id(work.work_id, ink_key)
    return Sample(
        sample_id=derive_id(column_id, STAGE),
        column_id=column_id,
        page_id="",
        work=work,
        split=Split.TRAIN,
        origin=Origin.SYNTHETIC,
        ink_key=ink_key,
        polarity=Polarity.LIGHT_ON_DARK,
        characters=tuple(
            SampleCharacter(
                box=box,
                written=ILLEGIBLE if place in unreadable else character,
                canonical=ILLEGIBLE if place in unreadable else character,
                is_damaged=False,
            )
            for place, (character, box) in enumerate(zip(text, boxes, strict=True))
        ),
        prompt=prompt_of_hand(first),
        review_id="",
        code_version=code_version,
    )


def prompt_of_hand(work: Work) -> str:
    """The style prompt under which a hand is learned and written: as that of its real works."""
    return style_prompt(work, Polarity.LIGHT_ON_DARK)


def _needs_help(known: Counter[str], params: AugmentationParams) -> bool:
    return params.fewest_known <= known.total() < params.rare_hand


def _legible(sample: Sample) -> list[str]:
    return [c.canonical for c in sample.characters if c.canonical != ILLEGIBLE]
