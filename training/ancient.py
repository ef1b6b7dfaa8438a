"""Ancient scripts as material: what an eye and a brush learn from, and what they are judged on.

Holds: ``AncientMaterial`` from drawings (oracle bone) or from fonts (hieroglyphs), and
``judge``, which has several readers name what was held out.

What a class looks like in the standard font is its reference: the modern character for oracle
bone, the standard sign for hieroglyphs (UniCalli, section 4.4 and appendix F).

Keeps out: networks (the families), files of drawings (``pipelines.drawings``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pipelines.drawings import Drawing, is_newcomer, split_drawings
from pipelines.errors import ModelError
from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.gardiner import signs
from training.augment import AugmentParams, augment
from training.glyph_bank import BANK_CELL_PX, GlyphBank, bank_from_crops, bank_from_fonts
from training.metrics.recognition import Share, accuracy
from training.roles import ColumnInk, Recogniser
from training.vocabulary import Vocabulary

SIGN_EM_PX = 4 * BANK_CELL_PX
"""Small signs fill a tenth of their em."""
TOP = 5


@dataclass(frozen=True, kw_only=True)
class AncientMaterial:
    """One script.

    Attributes:
        vocabulary: Everything that can be named, newcomers too.
        read: What the eye learns.
        written: What the brush learns.
        judged: What is held out from the eye, by what it is.
        unreferenced: Characters that the standard font lacks, and which are left out.
    """

    vocabulary: Vocabulary
    read: GlyphBank
    written: GlyphBank
    judged: Mapping[str, GlyphBank]
    unreferenced: tuple[str, ...] = ()


def material_of_drawings(drawings: Sequence[Drawing], face: FontFace, name: str) -> AncientMaterial:
    """Drawings, some held out; their characters are named by their modern forms in ``face``.

    The brush learns them all: held out is only what the eye is judged on.

    Raises:
        ModelError: If nothing is left to learn from.
    """
    counted = Counter(drawing.character for drawing in drawings)
    known = [c for c in sorted(counted, key=lambda c: (-counted[c], c)) if face.covers(c)]
    vocabulary = Vocabulary(tuple(known))
    named = [drawing for drawing in drawings if drawing.character in vocabulary.index]
    split = split_drawings(named)
    if not split.learned:
        raise ModelError(
            f"There is nothing to learn: of {len(drawings)} drawings none is left whose character "
            f"the standard font has and that is not held out. Give more drawings."
        )
    judged = {
        "other drawings of characters it learned": split.others,
        "characters it never saw": split.newcomers,
    }
    return AncientMaterial(
        vocabulary=vocabulary,
        read=_bank(split.learned, vocabulary, name),
        written=_bank(named, vocabulary, name),
        judged={part: _bank(held, vocabulary, name) for part, held in judged.items() if held},
        unreferenced=tuple(sorted(set(counted) - set(known))),
    )


def material_of_fonts(
    read: FontFace, written: FontFace, judged: Mapping[str, FontFace], name: str, seed: int
) -> AncientMaterial:
    """Hieroglyphs: the eye learns one font and is judged on others, whole and worn.

    Args:
        read: The standard font, which is also the reference.
        written: What the brush learns to draw.
        judged: Fonts by name; without any the standard font itself, worn, is judged.
        name: Of the hand, under which prompts know it.
        seed: Of the wear.
    """
    vocabulary = Vocabulary(tuple(read.covered(signs().values())))
    bank = bank_from_fonts({name: read}, vocabulary, SIGN_EM_PX)
    is_new = np.array([is_newcomer(vocabulary.characters[k]) for k in bank.classes])
    parts: dict[str, GlyphBank] = {}
    for title, face in (judged or {"the standard font": read}).items():
        held = bank_from_fonts({name: face}, vocabulary, SIGN_EM_PX)
        new = np.array([is_newcomer(vocabulary.characters[k]) for k in held.classes])
        if judged:
            parts[f"{title}, whole"] = _part(held, ~new)
        parts[f"{title}, worn"] = _worn(_part(held, ~new), seed)
        parts[f"{title}, worn, signs it never saw"] = _worn(_part(held, new), seed)
    return AncientMaterial(
        vocabulary=vocabulary,
        read=_part(bank, ~is_new),
        written=bank_from_fonts({name: written}, vocabulary, SIGN_EM_PX),
        judged={part: held for part, held in parts.items() if len(held)},
    )


@dataclass(frozen=True, kw_only=True)
class Judged:
    """How often a reader named what was held out: the first name right, and one of five."""

    part: str
    reader: str
    first: Share
    among_five: Share


def judge(
    material: AncientMaterial, readers: Mapping[str, Recogniser], seed: int = 0
) -> list[Judged]:
    """Every reader on every held-out part; intervals draw whole characters again."""
    found = []
    for part, bank in material.judged.items():
        wanted = [material.vocabulary.characters[k] for k in bank.classes]
        for name, reader in readers.items():
            named = candidates_of(reader, bank.pictures)
            rng = np.random.default_rng(seed)
            first = [c[:1] == [w] for c, w in zip(named, wanted, strict=True)]
            five = [w in c[:TOP] for c, w in zip(named, wanted, strict=True)]
            found.append(
                Judged(
                    part=part,
                    reader=name,
                    first=accuracy(first, wanted, rng),
                    among_five=accuracy(five, wanted, rng),
                )
            )
    return found


def candidates_of(reader: Recogniser, pictures: npt.NDArray[np.uint8]) -> list[list[str]]:
    """What a reader that knows no context names each of (N, S, S) pictures, best first."""
    count, side = pictures.shape[:2]
    boxes = tuple(Box(0, k * side, side, (k + 1) * side) for k in range(count))
    (proposals,) = reader.read_columns([ColumnInk(pictures.reshape(-1, side), boxes)])
    return [[character for character, _ in proposal.candidates] for proposal in proposals]


def alone(picture: npt.NDArray[np.uint8]) -> ColumnInk:
    """One character as a column of its own."""
    height, width = picture.shape
    return ColumnInk(picture, (Box(0, 0, width, height),))


def as_table(judged: Sequence[Judged]) -> str:
    """Figures as a table in Markdown, with 95 % intervals."""
    rows = ["| held out | pictures | reader | first | among five |", "|---|---|---|---|---|"]
    for row in judged:
        shares = " | ".join(
            f"{100 * s.value:.1f}% ({100 * s.low:.1f}% to {100 * s.high:.1f}%)"
            for s in (row.first, row.among_five)
        )
        rows.append(f"| {row.part} | {row.first.count} | {row.reader} | {shares} |")
    return "\n".join(rows)


def _bank(drawings: Sequence[Drawing], vocabulary: Vocabulary, name: str) -> GlyphBank:
    return bank_from_crops(((d.ink, d.character) for d in drawings), vocabulary, name)


def _part(bank: GlyphBank, keep: npt.NDArray[np.bool_]) -> GlyphBank:
    return GlyphBank(bank.pictures[keep], bank.classes[keep], bank.hands[keep], bank.hand_names)


def _worn(bank: GlyphBank, seed: int) -> GlyphBank:
    """Deformed and damaged as the eye of the bundled model learned to see through."""
    generator = torch.Generator().manual_seed(seed)
    whole = torch.from_numpy(bank.pictures)[:, None].float() / 255
    worn = augment(whole, BANK_CELL_PX, AugmentParams(), generator)[:, 0]
    pictures = (worn * 255).round().byte().numpy()
    return GlyphBank(pictures, bank.classes, bank.hands, bank.hand_names)
