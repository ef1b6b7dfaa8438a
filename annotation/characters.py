"""From the results of one annotation to the characters it speaks of.

A character comes as several results that share an id: box, pick, written form, canonical reading
and states. They are put together, checked, turned from percent to pixels of the page and ordered
from top to bottom. A pick means the candidate that its task carries under that number.

Keeps out: decisions, notes and whole columns (``annotation.reviews``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotation import interface
from annotation.label_studio import FullTask
from annotation.places import box_of, shown_of
from pipelines.geometry import Box
from pipelines.ids import box_id
from pipelines.records import ILLEGIBLE, Mark, ReviewedCharacter
from pipelines.scripts import canonical, normalize_text

Problem = tuple[str, str]
"""A reason as a code, and the sentence without its full stop."""

Region = Mapping[str, Mapping[str, Any]]
"""The values of one region by control."""

MARKS = {
    interface.SIGNATURE: Mark.SIGNATURE,
    interface.SEAL: Mark.SEAL,
    interface.SMALL_NOTE: Mark.SMALL_NOTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drafted:
    """What an annotator was shown of a character; several boxes and regions may be its."""

    character_id: str
    candidates: tuple[str, ...]


def characters_of(
    results: Sequence[Mapping[str, Any]], task: FullTask
) -> tuple[tuple[ReviewedCharacter, ...], list[Problem]]:
    """The characters of an annotation, and what is wrong with them.

    A box that could not be read is among the problems alone. Order is from top to bottom; a draft
    that was not (notes in two lines) keeps its order.
    """
    crop, frame = shown_of(task.data)
    known = _Known.of(task, crop, frame)
    characters: list[ReviewedCharacter] = []
    problems: list[Problem] = []
    for identifier, region in _regions(results).items():
        try:
            box = box_of(region.get(interface.BOX, {}), crop, frame)
        except ValueError as error:
            problems.append(("unreadable_box", str(error).rstrip(".")))
            continue
        character, problem = _character(identifier, region, box, known)
        characters.append(character)
        if problem:
            problems.append(problem)
    return tuple(_in_order(characters, known)), problems


def is_one_character(text: str) -> bool:
    """Whether a text stands for one character: one code point, perhaps with a variation selector.

    An ideographic description sequence (⿰木木), for a form that Unicode lacks, also does.
    """
    selectors = "".join(c for c in text[1:] if _is_selector(c))
    rest = text[1:] if not selectors else text[1 : -len(selectors)]
    if not text or (selectors and not text.endswith(selectors)) or len(selectors) > 1:
        return False
    return not rest or "\u2ff0" <= text[0] <= "\u2fff"


def text_of(value: Mapping[str, Any] | None) -> str:
    """The text of a control; Label Studio keeps it as a list, older data as a string."""
    return normalize_text("".join(_raw(value).split()))


def _raw(value: Mapping[str, Any] | None) -> str:
    raw = (value or {}).get("text") or ""
    return raw if isinstance(raw, str) else "".join(str(piece) for piece in raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What was pre-labelled: characters by their boxes and region ids, texts by region id."""

    page_id: str
    by_box: Mapping[Box, _Drafted]
    by_region: Mapping[str, _Drafted]
    texts: Mapping[str, str]

    @property
    def is_top_down(self) -> bool:
        middles = [box.center[1] for box in self.by_box]
        return middles == sorted(middles)

    @staticmethod
    def of(task: FullTask, crop: Box, frame: Box) -> _Known:
        ids = [str(identifier) for identifier in task.data.get("character_ids", ())]
        candidates = task.data.get("candidates") or [()] * len(ids)
        drafted = [
            _Drafted(character_id=i, candidates=tuple(normalize_text(str(t)) for t in texts))
            for i, texts in zip(ids, candidates, strict=True)
        ]
        by_box: dict[Box, _Drafted] = {}
        by_region: dict[str, _Drafted] = {}
        texts: dict[str, str] = {}
        for prediction in task.predictions:
            shapes = [i for i in prediction["result"] if i.get("from_name") == interface.BOX]
            if len(shapes) != len(ids):
                continue
            for shape, one in zip(shapes, drafted, strict=True):
                by_box[box_of(shape["value"], crop, frame)] = one
                by_region[str(shape["id"])] = one
            for item in prediction["result"]:
                if item.get("from_name") == interface.WRITTEN:
                    texts[str(item["id"])] = text_of(item.get("value"))
        return _Known(
            page_id=str(task.data["page_id"]), by_box=by_box, by_region=by_region, texts=texts
        )


def _regions(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    regions: dict[str, dict[str, Mapping[str, Any]]] = {}
    for item in results:
        if item.get("from_name") in interface.PER_REGION:
            region = regions.setdefault(str(item.get("id")), {})
            region[str(item["from_name"])] = item.get("value") or {}
    return regions


def _character(
    identifier: str, region: Region, box: Box, known: _Known
) -> tuple[ReviewedCharacter, Problem | None]:
    place = f"the box at {box.left}, {box.top} of the page"
    states = set(region.get(interface.STATE, {}).get("choices", ()))
    written, problem = _written(identifier, region, known, place)
    folded = text_of(region.get(interface.CANONICAL))
    is_illegible = interface.ILLEGIBLE_STATE in states or written == ILLEGIBLE
    if is_illegible:
        if _picked(region) is not None and problem is None:
            problem = (
                "illegible_and_picked",
                f"{place} is marked illegible and has a candidate picked: which?",
            )
        written = folded = ILLEGIBLE
    for text in filter(None, (written, folded)):
        if not is_one_character(text):
            problem = ("several_characters", f"{place} holds {text!r}: one box, one character")
    if not written and problem is None:
        problem = ("no_text", f"{place} has no text: type it, or mark it illegible")
    drafted = known.by_box.get(box)
    return (
        ReviewedCharacter(
            character_id=drafted.character_id if drafted else box_id(known.page_id, box),
            box=box,
            written=written,
            canonical=folded or canonical(written),
            is_damaged=interface.DAMAGED in states,
            is_illegible=is_illegible,
            marks=tuple(mark for name, mark in MARKS.items() if name in states),
        ),
        problem,
    )


def _written(
    identifier: str, region: Region, known: _Known, place: str
) -> tuple[str, Problem | None]:
    """The written form: what was typed, or what was picked where nothing else was typed."""
    typed = text_of(region.get(interface.WRITTEN))
    key = _picked(region)
    if key is None:
        return typed, None
    drafted = known.by_region.get(identifier)
    if drafted is None:
        sentence = (
            f"{place} was drawn by hand and has no candidates, but {key} is picked: type what "
            f"stands there, and take the pick away"
        )
        return typed, ("pick_without_candidates", sentence)
    if not 1 <= key <= len(drafted.candidates):
        sentence = (
            f"{place} has {len(drafted.candidates)} candidates, but {key} is picked: pick "
            f"another, or type it"
        )
        return typed, ("no_such_candidate", sentence)
    picked = drafted.candidates[key - 1]
    if typed in ("", picked, known.texts.get(identifier, "")):
        return picked, None
    return typed, ("typed_and_picked", f"{place}: typed {typed} and picked {key} {picked}: which?")


def _picked(region: Region) -> int | None:
    chosen = region.get(interface.PICK, {}).get("choices", ())
    return int(chosen[0]) if chosen and str(chosen[0]).isdigit() else None


def _in_order(characters: Sequence[ReviewedCharacter], known: _Known) -> list[ReviewedCharacter]:
    """Top to bottom, or as drafted; a character that a person added goes before the first lower."""
    by_height = sorted(characters, key=lambda c: (c.box.center[1], -c.box.center[0]))
    if known.is_top_down:
        return by_height
    place = {one.character_id: index for index, one in enumerate(known.by_box.values())}
    ordered = sorted(
        (c for c in characters if c.character_id in place), key=lambda c: place[c.character_id]
    )
    for added in (c for c in by_height if c.character_id not in place):
        lower = (i for i, c in enumerate(ordered) if c.box.center[1] > added.box.center[1])
        ordered.insert(next(lower, len(ordered)), added)
    return ordered


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
