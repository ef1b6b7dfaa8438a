"""The hands a run learns from: fonts by id, real characters by file, and the prompt of each.

Holds: finding the fetched fonts, the content font, and joining all into one ``GlyphBank``.

Keeps out: fetching fonts (``pipelines.glyphs.fetch``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from pipelines.errors import FontError, ModelError
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import Font, load_fonts, require_font
from pipelines.prompts import style_prompt
from pipelines.records import Polarity, Script, Work
from training.glyph_bank import GlyphBank, bank_from_crops, cached_bank, join_banks
from training.vocabulary import Vocabulary


def content_face(font_folder: Path, font_id: str) -> FontFace:
    """The standard font.

    Raises:
        FontError: If it is unknown or not fetched.
    """
    return FontFace(require_font(load_fonts(None, font_folder), font_id).files)


def fetched_hands(font_folder: Path, wanted: Sequence[str]) -> dict[str, Font]:
    """Those of the wanted fonts whose files are at hand, in the order wanted."""
    fonts = load_fonts(None, font_folder)
    return {name: fonts[name] for name in wanted if name in fonts and fonts[name].is_fetched}


def bank_of_hands(
    fonts: dict[str, Font],
    vocabulary: Vocabulary,
    cache: Path,
    real_characters: Path | None = None,
) -> GlyphBank:
    """All characters of the fonts, and real ones from a Parquet file if one is given.

    Raises:
        FontError: If there is no font at all.
    """
    if not fonts:
        raise FontError(
            "None of the hands to learn from is fetched. Run "
            "python -m pipelines.glyphs.fetch --into FONT_FOLDER first.",
            reason="font_not_fetched",
        )
    faces = {name: FontFace(font.files) for name, font in fonts.items()}
    banks = [cached_bank(faces, vocabulary, cache)]
    if real_characters is not None:
        crops = read_characters(real_characters, "train")
        banks.append(bank_from_crops(crops, vocabulary, REAL_HAND))
    return join_banks(banks)


REAL_HAND = "real-characters"
"""Name under which real single characters stand among the hands."""


def read_characters(path: Path, split: str) -> Iterator[tuple[npt.NDArray[np.uint8], str]]:
    """Ink and label of each row of a Parquet file with ``image``, ``character`` and ``split``.

    Args:
        path: ``image`` holds encoded pictures (or structs with ``bytes``), white ink on black.
        split: Rows of this split only.

    Raises:
        ModelError: If a column is missing.
    """
    table = pq.read_table(path)
    missing = {"image", "character", "split"} - set(table.column_names)
    if missing:
        raise ModelError(
            f"{path} lacks the columns {', '.join(sorted(missing))}; expected image, character "
            f"and split."
        )
    for row in table.select(["image", "character", "split"]).to_pylist():
        if row["split"] == split:
            data = row["image"]["bytes"] if isinstance(row["image"], dict) else row["image"]
            decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
            if decoded is None:
                raise ModelError(f"{path} holds a picture of {row['character']!r} that is none.")
            yield decoded.astype(np.uint8), row["character"]


def prompts_of(fonts: dict[str, Font], others: Iterable[str] = ()) -> dict[str, str]:
    """The style prompt of each font, and of hands that are no font."""
    prompts = {
        name: _prompt(font.name, font.script, is_synthetic=True) for name, font in fonts.items()
    }
    for name in others:
        prompts[name] = _prompt("unknown", Script.RUNNING, is_synthetic=False)
    return prompts


def writing_prompt(calligrapher: str, script: Script) -> str:
    """The prompt for a column that somebody asks for."""
    return _prompt(calligrapher, script, is_synthetic=False)


def script_prompt(script: Script) -> str:
    """The prompt for a script in nobody's hand: the last part of the whole prompt.

    What else a prompt of real ink says draws towards the few real hands there were.
    """
    return writing_prompt("unknown", script).split(";")[-1]


def _prompt(calligrapher: str, script: Script, *, is_synthetic: bool) -> str:
    work = Work(
        work_id="",
        title="",
        calligrapher=calligrapher,
        script=script,
        rights="",
        source="",
        is_synthetic=is_synthetic,
    )
    return style_prompt(work, Polarity.LIGHT_ON_DARK)
