"""What is learned from: characters of many hands in their cells, each with its skeletons.

Every character keeps the form that it is written in: a simplified font teaches nothing about the
traditional form that it does not have, so that index, standard skeleton and ink always agree.

Holds: ``Material`` and its making from fonts or from a few pictures, and drawing a batch of it.

Keeps out: which fonts (the recipe), noise and losses (``objective``).

Legend: N pictures, S side of a cell, V characters of the index table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipelines.errors import FontError
from pipelines.glyphs.fonts import FontFace
from pipelines.windows import fit_cell
from training.families.calliffusion.conditioning import (
    OWN,
    STANDARD,
    Prompts,
    as_pictures,
    base,
    pro,
)
from training.families.calliffusion.network import Condition
from training.families.calliffusion.skeletons import skeleton
from training.slices import Slice
from training.style_words import without_parts

Ink = npt.NDArray[np.uint8]

DRAWN_PX = 128
"""Em of a glyph before it is fitted to its cell."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """Characters of some hands.

    Attributes:
        inks: (N, S, S), white on black.
        own: (N, S, S) skeletons of the inks.
        standard: (N, S, S) skeletons of the same characters in the standard font; all black where
            it lacks them.
        index: (N,) 1 + place in the index table, 0 for a character that is not in it.
        hands: (N,) place in ``prompts``.
        prompts: Of each hand.
    """

    inks: Ink
    own: Ink
    standard: Ink
    index: npt.NDArray[np.int64]
    hands: npt.NDArray[np.int64]
    prompts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.inks)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Characters and what both modes are told of them; ink is 1, ground -1."""

    inks: Tensor
    pro: Condition
    base: Condition


def standard_skeletons(characters: Sequence[str], face: FontFace, cell_px: int) -> Ink:
    """(V, S, S) skeletons in the standard font; all black where it lacks the character."""
    found = np.zeros((len(characters), cell_px, cell_px), np.uint8)
    for place, character in enumerate(characters):
        if face.covers(character):
            found[place] = skeleton(fit_cell(face.draw(character, DRAWN_PX), cell_px))
    return found


def material_of_hands(
    faces: Mapping[str, FontFace],
    prompts: Mapping[str, str],
    characters: Sequence[str],
    standard: FontFace,
    cell_px: int,
) -> Material:
    """Every character that a face has, in the form it is asked for.

    Raises:
        FontError: If no face has any of the characters.
    """
    drawn = [
        (fit_cell(face.draw(character, DRAWN_PX), cell_px), place, hand)
        for hand, face in enumerate(faces.values())
        for place, character in enumerate(characters)
        if face.covers(character)
    ]
    if not drawn:
        raise FontError(
            f"None of the {len(faces)} fonts has any of the {len(characters)} characters to learn. "
            f"Fetch others with python -m pipelines.glyphs.fetch --into FONT_FOLDER.",
            reason="font_not_fetched",
        )
    inks, places, hands = (np.asarray(column) for column in zip(*drawn, strict=True))
    return Material(
        inks=inks,
        own=np.stack([skeleton(ink) for ink in inks]),
        standard=standard_skeletons(characters, standard, cell_px)[places],
        index=places + 1,
        hands=hands,
        prompts=tuple(prompts[name] for name in faces),
    )


def material_of_pictures(
    pictures: Iterable[tuple[str, Ink]],
    prompt: str,
    characters: Sequence[str],
    standard: FontFace,
    cell_px: int,
) -> Material:
    """A few characters of one hand: what each shows, and its ink, white on black."""
    given = list(pictures)
    places = {character: place for place, character in enumerate(characters, start=1)}
    inks = np.stack([fit_cell(ink, cell_px) for _, ink in given])
    return Material(
        inks=inks,
        own=np.stack([skeleton(ink) for ink in inks]),
        standard=standard_skeletons([character for character, _ in given], standard, cell_px),
        index=np.asarray([places.get(character, 0) for character, _ in given]),
        hands=np.zeros(len(given), np.int64),
        prompts=(prompt,),
    )


@dataclass(frozen=True, kw_only=True)
class DrawParams:
    """How a batch is drawn.

    Attributes:
        own_share: Of skeletons taken from the ink itself (section 3.3); the others are those of
            the standard font, which is all that somebody has who asks for a character.
        prompt_dropout: Share of prompts left out, for guidance.
        part_dropout: Share of each part of the others: a script may be asked for by itself. Ours.
    """

    own_share: float = 0.5
    prompt_dropout: float = 0.1
    part_dropout: float = 0.15


def draw(
    material: Material, part: Slice, size: int, prompts: Prompts, params: DrawParams, seed: int
) -> Batch:
    """A slice of a batch: hands evenly, characters of a hand evenly.

    Both conditions are of the same ink and the same prompt; they differ in nothing but what says
    which character it is.
    """
    rng, generator = part.numpy_seeded(seed), part.torch_seeded(seed)
    by_hand = [np.flatnonzero(material.hands == hand) for hand in range(len(material.prompts))]
    inked = [places for places in by_hand if len(places)]
    rows = np.asarray([rng.choice(inked[rng.integers(len(inked))]) for _ in range(part.size(size))])
    is_own = (rng.random(len(rows)) < params.own_share) | ~material.standard[rows].any(axis=(1, 2))
    skeletons = np.where(is_own[:, None, None], material.own[rows], material.standard[rows])
    said = [material.prompts[hand] for hand in material.hands[rows]]
    said = [without_parts(prompt, params.part_dropout, generator) for prompt in said]
    dropped = torch.rand(len(rows), generator=generator) < params.prompt_dropout
    first = pro(
        as_pictures(skeletons),
        torch.from_numpy(np.where(is_own, OWN, STANDARD)),
        prompts.encode(said),
    ).without_prompt(dropped)
    return Batch(
        inks=as_pictures(material.inks[rows]) * 2 - 1,
        pro=first,
        base=base(torch.from_numpy(material.index[rows]), first),
    )
