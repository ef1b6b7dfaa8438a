"""Synthetic pages with exact truth: the front door for training, evaluation and corpora.

    hands = load_hands(Path("fonts"))                   # pipelines.synthesis.hands
    texts = load_texts(Path("texts"))                   # pipelines.texts
    for page in sample_pages(seed=1, count=8, hands=hands, texts=texts): ...
    page = synthetic_page(rng, hands[0], "天地玄黃...", choose_page_params(rng, hands[0]))

Holds: ``synthetic_page``, ``sample_pages`` and their records. The same
seed gives the same pixels; page i of a seed does not depend on the pages before it.

Keeps out: files (``pipelines.corpora``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.errors import MaterialError
from pipelines.geometry import Box
from pipelines.glyphs.registry import FontRole
from pipelines.records import Script
from pipelines.synthesis.appearance import AppearanceParams, Medium, choose_page_params
from pipelines.synthesis.arrangement import Arrangement, lay_out
from pipelines.synthesis.hands import Hand
from pipelines.synthesis.layouts import Layout
from pipelines.synthesis.scanning import scan
from pipelines.synthesis.seals import draw_seals
from pipelines.synthesis.setting import Feed, Leaf
from pipelines.synthesis.sheet import soak
from pipelines.synthesis.stone import rub
from pipelines.synthesis.surfaces import Surface
from pipelines.texts import Text
from pipelines.truth import Role, TrueCharacter

Mask = npt.NDArray[np.uint8]
Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticPage:
    """A page with its truth. All pictures have the same size; masks are 0 or up to 255.

    Attributes:
        image: (H, W, 3) RGB, as scanned.
        ink: (H, W) characters and the traces that join them as brush or chisel left them, white
            (255) on black, antialiased: spread and frayed as in the picture, without what age
            took or added. What a perfect binarizer would find. No frames, rules or seals.
        rules: (H, W) frames and rules: not characters.
        seals: (H, W) seal paste: not characters.
        damage: (H, W) 255 where age changed what is seen.
        characters: In reading order; ``column`` 0 is the rightmost, ``strand`` 1 and 2 the right
            and left half of an interlinear note, ``loss`` the share of its ink that is lost.
        columns: Indices into ``characters``, column by column from right to left.
        seal_boxes: Where seals stand.
        params: What was decided about the page.
        hand_id: Id of the font.
        licence: Of the font.
        text: What was used up of the text.
        missing: Characters left out because the hand has no form of them.
    """

    image: Rgb
    ink: Mask
    rules: Mask
    seals: Mask
    damage: Mask
    characters: tuple[TrueCharacter, ...]
    columns: tuple[tuple[int, ...], ...]
    seal_boxes: tuple[Box, ...]
    params: AppearanceParams
    hand_id: str
    licence: str
    text: str
    missing: dict[str, int]

    @property
    def layout(self) -> Layout:
        """The kind of page."""
        return self.params.layout.layout

    @property
    def medium(self) -> Medium:
        """What carries the ink."""
        return self.params.medium


def synthetic_page(
    rng: np.random.Generator,
    hand: Hand,
    text: str,
    params: AppearanceParams,
    *,
    seal_hand: Hand | None = None,
) -> SyntheticPage:
    """One page, filled until it is full or the text ends.

    Args:
        rng: All randomness.
        hand: Writes the text.
        text: Han characters alone.
        params: Everything decided; see :func:`choose_page_params`.
        seal_hand: Cuts the seals; the writing hand if not given.

    Raises:
        MaterialError: If the hand has none of the characters.
    """
    feed = Feed(text=text, hand=hand)
    arranged = lay_out(params.layout, feed, rng)
    leaf = arranged.leaf
    if not leaf.characters:
        raise MaterialError(
            f"{hand.font.font_id} draws none of {text[:12]!r} in any form. Use another font for "
            f"this text.",
            reason="font_lacks_text",
        )
    shape = (params.layout.height_px, params.layout.width_px)
    seals: Mask = np.zeros(shape, np.uint8)
    seal_boxes: tuple[Box, ...] = ()
    is_sealed = not params.medium.is_light_on_dark or arranged.mount is not None
    if is_sealed and params.layout.seals:
        wanted = _seal_places(leaf, arranged.seal_places, params, rng)
        seals, seal_boxes = draw_seals(shape, wanted, seal_hand or hand, text[:60], rng)
    surface = _surface(arranged, seals, params, rng)
    image = scan(surface.light, params.scan, rng)
    characters = tuple(
        TrueCharacter(
            box=c.box,
            written=c.written,
            canonical=c.canonical,
            column=c.column,
            loss=_loss(c.box, surface.ink, surface.loss),
            role=c.role,
            strand=c.strand,
        )
        for c in leaf.characters
    )
    columns: list[list[int]] = [[] for _ in range(leaf.column + 1)]
    for index, character in enumerate(characters):
        columns[character.column].append(index)
    return SyntheticPage(
        image=image,
        ink=surface.ink,
        rules=leaf.rules,
        seals=seals,
        damage=surface.damage,
        characters=characters,
        columns=tuple(tuple(column) for column in columns),
        seal_boxes=seal_boxes,
        params=params,
        hand_id=hand.font.font_id,
        licence=hand.font.licence,
        text=text[: feed.position],
        missing=dict(feed.missing),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePlan:
    """One page before it is drawn: who writes what, how it will look, and its own randomness."""

    index: int
    hand: Hand
    seal_hand: Hand
    text: str
    params: AppearanceParams
    rng: np.random.Generator


def plan_pages(
    seed: int,
    count: int,
    hands: Sequence[Hand],
    texts: Sequence[Text],
    *,
    layouts: Sequence[Layout] = (),
    wear: float | None = None,
    first: int = 0,
) -> Iterator[PagePlan]:
    """What :func:`sample_pages` will draw; cheap, so that drawing can be spread over processes.

    Args and Raises: as :func:`sample_pages`.
    """
    if not hands or not texts:
        raise MaterialError(
            f"Pages need hands and texts; found {len(hands)} and {len(texts)}. Fetch fonts and "
            f"texts first.",
            reason="nothing_to_draw",
        )
    cutter = next((hand for hand in hands if hand.font.script is Script.SEAL), None)
    for index in range(first, first + count):
        rng = np.random.default_rng((seed, index))
        layout = layouts[index % len(layouts)] if layouts else None
        hand = _writer(hands, layout, rng)
        yield PagePlan(
            index=index,
            hand=hand,
            seal_hand=cutter or hand,
            text=_passage(texts, rng),
            params=choose_page_params(rng, hand, layout=layout, wear=wear),
            rng=rng,
        )


def sample_pages(
    seed: int,
    count: int,
    hands: Sequence[Hand],
    texts: Sequence[Text],
    *,
    layouts: Sequence[Layout] = (),
    wear: float | None = None,
    first: int = 0,
) -> Iterator[SyntheticPage]:
    """Varied pages: hand, text, layout, surface and wear are drawn anew for each.

    Args:
        seed: All randomness. Page i has a stream of its own.
        count: Pages.
        hands: Which may write; one of a seal script, if any, cuts the seals.
        texts: Where the text comes from; several follow one another until the page is full.
        layouts: Kinds to draw from, in turn; all that suit the hand if empty.
        wear: Fixed wear, or drawn.
        first: Index of the first page.

    Raises:
        MaterialError: If there are no hands or no texts, or a hand has nothing of its text.
    """
    plans = plan_pages(seed, count, hands, texts, layouts=layouts, wear=wear, first=first)
    for plan in plans:
        yield synthetic_page(plan.rng, plan.hand, plan.text, plan.params, seal_hand=plan.seal_hand)


def _writer(hands: Sequence[Hand], layout: Layout | None, rng: np.random.Generator) -> Hand:
    """A hand for a kind of page: brushes write anything, printed faces set a third of the books."""
    brushes = [hand for hand in hands if hand.font.role is FontRole.HAND] or list(hands)
    is_book = layout in (None, Layout.BOOK, Layout.NOTES, Layout.SPREAD)
    chosen = hands if is_book and rng.random() < 0.34 else brushes
    return chosen[int(rng.integers(0, len(chosen)))]


def _passage(texts: Sequence[Text], rng: np.random.Generator, length: int = 1200) -> str:
    """Text from a random place on, followed by other texts until it is long enough."""
    body = texts[int(rng.integers(0, len(texts)))].body
    start = int(rng.integers(0, max(1, len(body) - 200)))
    parts, have = [body[start : start + length]], len(body) - start
    while have < length:
        body = texts[int(rng.integers(0, len(texts)))].body
        parts.append(body)
        have += len(body)
    return "".join(parts)[:length]


def _surface(
    arranged: Arrangement, seals: Mask, params: AppearanceParams, rng: np.random.Generator
) -> Surface:
    """What carries the leaf, aged; a rubbing may be mounted beside bare paper."""
    leaf = arranged.leaf
    stone = sheet = None
    if params.medium is Medium.RUBBING:
        strips = _strips(leaf, params)
        stone = rub(leaf.ink, leaf.rules, strips, len(leaf.characters), params.stone, rng)
        if arranged.mount is None:
            return stone
    wetness = _wetness(leaf)
    sheet = soak(leaf.ink, leaf.rules, seals, wetness, arranged.slip, params.sheet, rng)
    if stone is None or arranged.mount is None:
        return sheet
    bare = arranged.mount > 127
    return Surface(
        light=np.where(bare, sheet.light, stone.light),
        ink=np.where(bare, sheet.ink, stone.ink),
        damage=np.where(bare, sheet.damage, stone.damage),
        loss=np.where(bare, sheet.loss, stone.loss),
    )


def _strips(leaf: Leaf, params: AppearanceParams) -> tuple[int, ...]:
    """Where the strips of an album meet: between the columns."""
    if params.layout.layout is not Layout.ALBUM:
        return ()
    centers: dict[int, list[float]] = {}
    for character in leaf.characters:
        if character.role is Role.BODY:
            centers.setdefault(character.column, []).append(character.box.center[0])
    axes = sorted(float(np.mean(xs)) for xs in centers.values())
    return tuple(round((a + b) / 2) for a, b in zip(axes[:-1], axes[1:], strict=True))


def _seal_places(
    leaf: Leaf, places: tuple[Box, ...], params: AppearanceParams, rng: np.random.Generator
) -> list[Box]:
    """The places offered, then others anywhere: collectors' seals spare no margin and no text."""
    height, width = leaf.ink.shape
    count = params.layout.seals
    wanted = list(places)[:count]
    # Beside a rubbing seals stand on the mount.
    reach = round(width * params.layout.mount_share) or width
    side = max(24, round(np.median([c.box.height for c in leaf.characters]) * 0.9))
    while len(wanted) < count:
        size = min(round(side * float(rng.uniform(0.7, 2.0))), reach - 4)
        x = int(rng.integers(2, max(3, reach - size - 2)))
        y = int(rng.integers(2, max(3, height - size - 2)))
        wanted.append(Box(x, y, x + size, y + size))
    return wanted


def _wetness(leaf: Leaf) -> npt.NDArray[np.float32]:
    """How wet the brush was, at an eighth of the resolution, without steps between characters."""
    height, width = leaf.ink.shape
    field = np.ones((height // 8 + 1, width // 8 + 1), np.float32)
    for c in leaf.characters:
        rows = slice(c.box.top // 8, c.box.bottom // 8 + 1)
        field[rows, c.box.left // 8 : c.box.right // 8 + 1] = c.wetness
    return np.asarray(cv2.blur(field, (5, 5)), np.float32)


def _loss(box: Box, ink: Mask, loss: Mask) -> float:
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    lost = loss[rows, columns][ink[rows, columns] > 127]
    return round(float(lost.mean()) / 255, 4) if lost.size else 0.0
