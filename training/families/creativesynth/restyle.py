"""A clean page set into the look of a real scan; where strokes stand is never changed.

Holds: ``PageInk``, ``Restyled``, the protocol ``Restyler`` and its two implementations:
``SurfaceRestyler`` for a CPU, ``SdxlRestyler`` on an opened SDXL with the ink re-imposed.

Keeps out: files and tables (``training.restyling``), whether it is legible (``legibility``).

Legend: H and W pixels of the page.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.errors import MaterialError
from pipelines.records import Polarity
from pipelines.synthesis.fields import stroke_width
from training.families.creativesynth.autoencoder import SurfaceAutoencoder
from training.families.creativesynth.folder import Sdxl
from training.families.creativesynth.ground import Field
from training.families.creativesynth.harmony import harmonised
from training.families.creativesynth.inlay import inlay
from training.families.creativesynth.surface import Ink, Rgb, Scan, Surface, surface_of
from training.families.creativesynth.synthesis import SynthesisParams, Task, synthesise

SEAL_RGB = (178.0, 52.0, 42.0)
SEAL_SHARE = 0.8
"""How much of the ground's light full seal paste takes away where it is not red."""
LOST_CONTRAST = 0.3
"""Of the contrast between ink and ground: with less of it a stroke cannot be told from ground."""
TOWARDS_INK = 0.35
"""So far on the way from ground to ink, what SDXL drew would be taken for ink."""

PROMPTS = {
    Polarity.LIGHT_ON_DARK: "a rubbing of a weathered stone inscription, white characters on black",
    Polarity.DARK_ON_LIGHT: "an old sheet of calligraphy, black ink on aged paper",
}


@dataclass(frozen=True)
class PageInk:
    """A clean page, all (H, W) white on black: characters, frames and rules, seal paste.

    Raises:
        MaterialError: With ``reason`` no_ink, if nothing is written on it.
    """

    ink: Ink
    name: str
    rules: Ink | None = None
    seals: Ink | None = None

    def __post_init__(self) -> None:
        if not (self.ink > 127).any():
            raise MaterialError(
                f"{self.name} has no ink: nothing is written on it. Give a page with writing.",
                reason="no_ink",
            )


@dataclass(frozen=True)
class Restyled:
    """A restyled page.

    Attributes:
        picture: (H, W, 3) RGB, of the page's size.
        lost: (H, W) 255 where a stroke cannot be told from its ground.
        polarity: The scan's.
        has_seals: Whether seals were set in; on dark ground they would not be seen.
    """

    picture: Rgb
    lost: Ink
    polarity: Polarity
    has_seals: bool


class Restyler(Protocol):
    """Sets a page into the look of a scan."""

    name: str

    def restyle(self, page: PageInk, scan: Scan, *, strength: float, seed: int) -> Restyled:
        """The same page, at the same places; ``strength`` in [0, 1]."""
        ...


class SurfaceRestyler:
    """Ground, grain, tone and edges of the scan; ArtBN on an autoencoder's features last.

    Args:
        model: The surface autoencoder, or None to leave the last step out.
    """

    def __init__(self, model: SurfaceAutoencoder | None) -> None:
        self.model = model
        self.name = "surface" if model is None else "surface and ArtBN"

    def restyle(self, page: PageInk, scan: Scan, *, strength: float, seed: int) -> Restyled:
        """See :class:`Restyler`."""
        rng = np.random.default_rng(seed)
        surface = surface_of(scan, _shape(page), stroke_width(page.ink), rng)
        return _set_in(page, surface, self.model, strength, rng)


class SdxlRestyler:
    """The ground drawn anew by SDXL in the look of the scan, and the ink set into it.

    What SDXL draws in place of characters is no text: wherever it looks like ink and none is
    asked for, the scan's bare ground stays.

    Args:
        sdxl: Opened.
        model: The surface autoencoder, or None.
        params: The numbers of the synthesis.
    """

    def __init__(
        self, sdxl: Sdxl, model: SurfaceAutoencoder | None, params: SynthesisParams
    ) -> None:
        self.sdxl, self.model, self.params = sdxl, model, params
        self.name = f"SDXL {sdxl.fingerprint}"

    def restyle(self, page: PageInk, scan: Scan, *, strength: float, seed: int) -> Restyled:
        """See :class:`Restyler`."""
        rng = np.random.default_rng(seed)
        surface = surface_of(scan, _shape(page), stroke_width(page.ink), rng)
        rough = _rounded(inlay(page.ink, surface, rng, strength)[0])
        prompt = PROMPTS[scan.polarity]
        made = synthesise(
            self.sdxl, surface.picture, Task.FUSION if self.sdxl.sees_pictures else Task.EDITING,
            artwork_prompt=prompt, prompt=prompt, semantic=rough, layout=rough,
            params=self.params, seed=seed,
        )  # fmt: skip
        height, width = _shape(page)
        drawn = cv2.resize(made, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        ground = _without_ink(np.asarray(drawn, np.float32), surface)
        return _set_in(page, replace(surface, ground=ground), self.model, strength, rng)


def _set_in(
    page: PageInk, surface: Surface, model: SurfaceAutoencoder | None, strength: float,
    rng: np.random.Generator,
) -> Restyled:  # fmt: skip
    has_seals = (
        page.seals is not None
        and bool(page.seals.any())
        and surface.polarity is Polarity.DARK_ON_LIGHT
    )
    if has_seals and page.seals is not None:
        surface = replace(surface, ground=_sealed(surface.ground, page.seals))
    strokes = page.ink if page.rules is None else np.maximum(page.ink, page.rules)
    picture, covered = inlay(strokes, surface, rng, strength)
    if model is not None:
        picture = harmonised(model, picture, covered, surface, strength)
    assert picture.shape[:2] == page.ink.shape, "restyling keeps every stroke in its place"
    return Restyled(
        picture=_rounded(picture),
        lost=_lost(page.ink, picture, surface),
        polarity=surface.polarity,
        has_seals=has_seals,
    )


def _sealed(ground: Field, seals: Ink) -> Field:
    paste = seals.astype(np.float32)[..., None] * np.float32(SEAL_SHARE / 255)
    red = np.array(SEAL_RGB, np.float32) / 255
    return np.asarray(ground * (1 - paste * (1 - red)), np.float32)


def _towards_ink(picture: Field, ground: Field, ink_light: Field) -> Field:
    """How far each place is on the way from its ground, 0, to ink, 1."""
    away = ink_light - ground
    along = ((picture - ground) * away).sum(axis=2) / np.maximum((away**2).sum(axis=2), 1.0)
    return np.asarray(along, np.float32)


def _without_ink(drawn: Field, surface: Surface) -> Field:
    usual = np.median(surface.ground[::4, ::4].reshape(-1, 3), axis=0).astype(np.float32)
    level = np.broadcast_to(usual, surface.ground.shape)
    looks_inked = _towards_ink(drawn, level, surface.ink_light) > TOWARDS_INK
    grown = cv2.dilate(looks_inked.astype(np.uint8), np.ones((5, 5), np.uint8))
    share = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 1.5)[..., None]
    return np.asarray(drawn + share * (surface.ground - drawn), np.float32)


def _lost(ink: Ink, picture: Field, surface: Surface) -> Ink:
    """Where a stroke differs too little from what the ground would be there without it."""
    usual = np.median(surface.ground[::4, ::4].reshape(-1, 3), axis=0).astype(np.float32)
    level = np.broadcast_to(usual, surface.ground.shape)
    seen, bare = (
        cv2.GaussianBlur(_towards_ink(values, level, surface.ink_light), (0, 0), 1.0)
        for values in (picture, surface.ground)
    )
    return np.where((ink > 127) & (seen - bare < LOST_CONTRAST), 255, 0).astype(np.uint8)


def _shape(page: PageInk) -> tuple[int, int]:
    return page.ink.shape[0], page.ink.shape[1]


def _rounded(picture: npt.NDArray[np.float32]) -> Rgb:
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)
