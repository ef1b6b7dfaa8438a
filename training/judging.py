"""What the verb ``judge-writing`` does: hands and their ink for ``training.fidelity``.

Holds: from parsed arguments to a report: which hands are judged, which characters they are asked
for, and their real ink from fonts or from a file of real characters.

Keeps out: the judging (``training.fidelity``), judging readers (``training.commands``).
"""

from __future__ import annotations

import argparse
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.errors import ModelError
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import Font, FontRole, load_fonts
from pipelines.records import Script
from pipelines.windows import fit_cell
from training.families.unicalli.eye import Eye
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.weights import Bundle
from training.families.unicalli.writing import UniCalliWriter, WritingParams
from training.fidelity import AskedHand, FidelityParams, judge_writing, tables
from training.hands import REAL_HAND, content_face, prompts_of, read_characters, script_prompt
from training.metrics.fid import load_inception
from training.metrics.lpips import load_lpips
from training.nearest_glyph import NearestGlyphReader
from training.opening import begin, fonts_of, opened
from training.roles import Recogniser
from training.second_reader import RapidOcrReader
from training.writing_sheet import writing_sheet

logger = logging.getLogger(__name__)

Ink = npt.NDArray[np.uint8]

COMMON = 2000
"""Characters are drawn from this many of the table, which begins with the commonest."""
LEARNED_FROM = 400
"""Characters of each hand that the classifier learns from."""
DRAWN_PX = 96


def judge(arguments: argparse.Namespace) -> dict[str, Any]:
    """Characters written in each hand: read back, told apart and measured; a sheet to look at."""
    begin(arguments)
    if arguments.sheet.suffix.lower() != ".png":
        raise ModelError(f"The sheet is a .png; {arguments.sheet.name} is not. Name such a file.")
    bundle, library = opened(arguments, arguments.checkpoint)
    standard = content_face(fonts_of(arguments), bundle.recipe["content_font"])
    known = [c for c in bundle.vocabulary.characters[:COMMON] if c in set(library.characters)]
    order = np.random.default_rng(arguments.seed).permutation(len(known))
    pool = [known[place] for place in order if standard.covers(known[place])]
    hands = list(_hands(arguments, bundle, standard, pool))
    params = WritingParams(steps=arguments.steps, guidance=arguments.guidance)
    alone = UniCalliReader(bundle, library, ReadingParams(context_weight=0))
    readers: dict[str, Recogniser] = {
        "UniCalli": alone,
        "RapidOCR": RapidOcrReader(arguments.threads),
        "nearest glyph": NearestGlyphReader(bundle.vocabulary, standard),
    }
    fidelity = FidelityParams(
        in_column=bundle.dims.cells, tries=arguments.tries, seed=arguments.seed
    )
    official = (
        {"LPIPS": load_lpips(*arguments.lpips_weights).distances}
        if arguments.lpips_weights
        else None
    )
    judged = []
    cell = bundle.dims.cell_px
    for one in judge_writing(
        hands,
        _drawn(standard, pool[-LEARNED_FROM:], cell),
        UniCalliWriter(bundle, library, params),
        readers,
        Eye(bundle),
        fidelity,
        official,
        load_inception(arguments.fid_weights).features if arguments.fid_weights else None,
    ):
        logger.info("wrote %d characters in %s", len(one.hand.text), one.hand.name)
        judged.append(one)
    figures = [figure for one in judged for figure in one.figures]
    logger.info("\n%s\n", tables(figures))
    picture = io.BytesIO()
    writing_sheet(judged, in_column=fidelity.in_column).save(picture, "PNG", optimize=True)
    arguments.sheet.parent.mkdir(parents=True, exist_ok=True)
    arguments.sheet.write_bytes(picture.getvalue())
    return {"sheet": str(arguments.sheet), "figures": [asdict(figure) for figure in figures]}


def _hands(
    arguments: argparse.Namespace, bundle: Bundle, standard: FontFace, pool: Sequence[str]
) -> Iterator[AskedHand]:
    cell = bundle.dims.cell_px
    asked, rest = pool[: 3 * arguments.characters], pool[3 * arguments.characters :]
    scripts = set()
    for name, font in _fonts(arguments, bundle).items():
        scripts.add(font.script)
        face = FontFace(font.files)
        text = [c for c in asked if face.covers(c)][: arguments.characters]
        others = [c for c in rest if face.covers(c)][:LEARNED_FROM]
        if text and others:
            yield AskedHand(
                name=name, script=font.script, prompt=prompts_of({name: font})[name],
                text="".join(text), standard=_drawn(standard, text, cell),
                own=_drawn(face, text, cell), others=_drawn(face, others, cell),
            )  # fmt: skip
    if arguments.real_characters is not None:
        yield _real_hand(arguments.real_characters, arguments.characters, pool, standard, cell)
    nothing = np.zeros((0, cell, cell), np.uint8)
    for script in Script:
        if script not in scripts | {Script.UNKNOWN} and not arguments.hands:
            text = list(asked[: arguments.characters])
            yield AskedHand(
                name=f"{script.value}, nobody's", script=script, prompt=script_prompt(script),
                text="".join(text), standard=_drawn(standard, text, cell),
                own=nothing, others=nothing,
            )  # fmt: skip


def _fonts(arguments: argparse.Namespace, bundle: Bundle) -> Mapping[str, Font]:
    """The hands asked for, or all brush hands that were learned and are at hand."""
    known = load_fonts(None, fonts_of(arguments))
    learned = {n: known[n] for n in bundle.recipe["hands"] if n in known and known[n].is_fetched}
    strange = sorted(set(arguments.hands or ()) - set(learned))
    if strange:
        raise ModelError(
            f"{', '.join(strange)}: not learned by {arguments.checkpoint.name}, or not fetched. "
            f"It can be judged in {', '.join(learned) or 'none of the fetched fonts'}."
        )
    if arguments.hands:
        return {name: learned[name] for name in arguments.hands}
    return {name: font for name, font in learned.items() if font.role is FontRole.HAND}


def _real_hand(
    path: Path, count: int, pool: Sequence[str], standard: FontFace, cell: int
) -> AskedHand:
    """Real ink that was held out, one example a character; others of the train split."""
    held_out: dict[str, Ink] = {}
    for ink, character in read_characters(path, "validation"):
        held_out.setdefault(character, fit_cell(ink, cell))
    text = [c for c in pool if c in held_out][: min(count, len(held_out) // 2)]
    if not text:
        raise ModelError(
            f"{path} has no characters of the split 'validation' that the model writes. Give a "
            f"file with some, or leave --real-characters out."
        )
    others = [
        fit_cell(ink, cell)
        for ink, character in read_characters(path, "train")
        if character not in text
    ]
    step = max(1, len(others) // LEARNED_FROM)
    return AskedHand(
        name=REAL_HAND, script=Script.RUNNING, prompt=prompts_of({}, [REAL_HAND])[REAL_HAND],
        text="".join(text), standard=_drawn(standard, text, cell),
        own=np.stack([held_out[c] for c in text]), others=np.stack(others[::step]),
    )  # fmt: skip


def _drawn(face: FontFace, characters: Sequence[str], cell: int) -> Ink:
    return np.stack([fit_cell(face.draw(c, DRAWN_PX), cell) for c in characters])
