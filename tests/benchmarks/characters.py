"""Single characters of a hand known from five: before and after adaptation, beside font blending.

Five characters of a hand that was never learned are given; others of the same hand judge. All
pictures are fitted to the same cells, and one reader reads them all. Beside what is written stand
the standard font, the glyphs of the trained font nearest to the five, the mean of the trained
fonts nearest to them, and the hand's own ink, which is what the reader can reach at best.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from assets.resources import ROOT, Project
from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import Font, load_fonts
from pipelines.scripts import canonical
from pipelines.windows import fit_cell
from tests.benchmarks.measure import table
from training.adapted_strength import best_of, trials_of
from training.families.calliffusion.adapting import learn_hand
from training.families.calliffusion.material import DRAWN_PX
from training.families.calliffusion.recipe import AdaptRecipe
from training.families.calliffusion.weights import Bundle, load_bundle, with_adapter
from training.families.calliffusion.writing import CalliffusionWriter, Mode, WritingParams
from training.families.scriptvit.attribution import style_vectors, unit
from training.families.scriptvit.weights import Bundle as Knowing
from training.families.scriptvit.weights import load_bundle as load_knowing
from training.families.unicalli.library import cached_library
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.weights import load_bundle as load_reader
from training.hands import content_face, fetched_hands
from training.imitating import ImitatingWriter
from training.likest_hand import KNOWING, likest_hand
from training.metrics.pictures import l1, rmse, ssim
from training.metrics.recognition import mean
from training.roles import ColumnInk, Recogniser, WrittenColumn

CHECKPOINT = ROOT / "training" / "families" / "calliffusion" / "checkpoints" / "tiny"
UNSEEN = ("zhi-mang-xing", "aoyagi-soseki")
GIVEN, JUDGED = 5, 60
BLENDED = 3
"""So many of the trained fonts nearest to the given characters are averaged."""
SEED = 3

Ink = npt.NDArray[np.uint8]


def bench_characters(project: Project) -> None:
    """One table a hand."""
    if not CHECKPOINT.is_dir():
        sys.stdout.write(f"There is no checkpoint at {CHECKPOINT}; nothing is measured.\n")
        return
    bundle = load_bundle(CHECKPOINT)
    fonts = project.home / "fonts"
    face = content_face(fonts, bundle.recipe["content_font"])
    reader = _reader(project)
    known = load_fonts(None, fonts)
    trained = fetched_hands(fonts, list(bundle.recipe["hands"]))
    for name in UNSEEN:
        if not known[name].is_fetched:
            sys.stdout.write(f"\n{known[name].name} is not fetched and is left out.\n")
            continue
        own = FontFace(known[name].files)
        covered = [c for c in bundle.characters if own.covers(c) and face.covers(c)]
        order = np.random.default_rng(SEED).permutation(len(covered))[: GIVEN + JUDGED]
        text = "".join(covered[place] for place in order)
        rows = _rows(bundle, face, own, trained, text, reader)
        header = ("", "L1", "RMSE", "SSIM", "read right", "hand distance", "characters a second")
        table(f"{known[name].name}: {JUDGED} characters, {GIVEN} others given", header, rows)


def _reader(project: Project) -> Recogniser:
    found = load_reader(project.settings.checkpoint)
    face = content_face(project.home / "fonts", found.recipe["content_font"])
    library = cached_library(
        found.vocabulary, face, found.autoencoder, found.dims.cell_px, project.home / "cache"
    )
    return UniCalliReader(found, library, ReadingParams(context_weight=0))


def _rows(
    bundle: Bundle,
    face: FontFace,
    own: FontFace,
    trained: Mapping[str, Font],
    text: str,
    reader: Recogniser,
) -> list[tuple[str, ...]]:
    side = bundle.dims.cell_px
    given, judged = text[:GIVEN], text[GIVEN:]
    truth = _drawn(own, judged, side)
    pictures = list(zip(given, _drawn(own, given, side), strict=True))
    started = time.perf_counter()
    knowing = load_knowing(KNOWING)
    near, _ = likest_hand(bundle, knowing, pictures, face)
    adapter = learn_hand(bundle, "unseen", pictures, face, AdaptRecipe(), near=near)
    trials = trials_of(bundle, adapter, knowing, reader, pictures, face)
    strength = best_of(trials).strength
    sys.stdout.write(
        f"\nadapted in {time.perf_counter() - started:.0f} s, trials included, from the hand "
        f"{adapter.facts['near']}, best at strength {strength}\n"
    )
    adapted, as_far = with_adapter(bundle, adapter), with_adapter(bundle, adapter, strength)
    rows = []

    def row(label: str, make: Callable[[], Ink]) -> None:
        start = time.perf_counter()
        cells = make()
        speed = len(cells) / (time.perf_counter() - start)
        far = f"{hand_distance(knowing, cells, truth):.3f}"
        rows.append(_row(label, cells, truth, judged, reader, far, speed))

    def written(ready: Bundle, mode: Mode, **others: list[Ink]) -> Callable[[], Ink]:
        writer = CalliffusionWriter(ready, face, WritingParams(mode=mode), **others)
        return lambda: _fitted(writer.write_column(judged, adapter.prompt, SEED), side)

    row("before, pro", written(bundle, "pro"))
    row("before, base", written(bundle, "base"))
    own_skeletons = list(truth)
    row("before, pro by its own skeletons", written(bundle, "pro", pictures=own_skeletons))
    row("after, pro", written(adapted, "pro"))
    row("after, pro, best strength", written(as_far, "pro"))
    row("after, base", written(adapted, "base"))
    row("after, pro by its own skeletons", written(adapted, "pro", pictures=own_skeletons))
    looking = ImitatingWriter(knowing, face, [ink for _, ink in pictures])
    row("ScriptViT, after the five", lambda: _fitted(looking.write_column(judged, ""), side))
    row("standard font", lambda: _drawn(face, judged, side))
    faces = _nearest(trained, pictures, side)
    row("nearest trained font", lambda: _blend(faces[:1], face, judged, side))
    row(f"mean of the {BLENDED} nearest", lambda: _blend(faces[:BLENDED], face, judged, side))
    row("its own ink", lambda: truth)
    return rows


def hand_distance(knowing: Knowing, cells: Ink, truth: Ink) -> float:
    """One minus the cosine of the mean style vectors of both."""
    one, other = (
        style_vectors(knowing.encoder, some[:, None]).mean(axis=0) for some in (cells, truth)
    )
    return float(1 - unit(one) @ unit(other))


def _drawn(face: FontFace, text: str, side: int) -> Ink:
    return np.stack([fit_cell(face.draw(character, DRAWN_PX), side) for character in text])


def _fitted(column: WrittenColumn, side: int) -> Ink:
    """Each character fitted to its cell as real ones are."""
    return np.stack(
        [fit_cell(column.ink[b.top : b.bottom, b.left : b.right], side) for b in column.boxes]
    )


def _nearest(
    trained: Mapping[str, Font], pictures: list[tuple[str, Ink]], side: int
) -> list[FontFace]:
    """The trained fonts that have all given characters, nearest first."""
    far = []
    for font in trained.values():
        face = FontFace(font.files)
        if all(face.covers(character) for character, _ in pictures):
            distances = [l1(_drawn(face, c, side)[0], ink) for c, ink in pictures]
            far.append((float(np.mean(distances)), face))
    return [face for _, face in sorted(far, key=lambda pair: pair[0])]


def _blend(faces: list[FontFace], standard: FontFace, text: str, side: int) -> Ink:
    """The mean of the fonts that have a character; the standard font where none has."""
    cells = []
    for character in text:
        having = [face for face in faces if face.covers(character)] or [standard]
        cells.append(np.mean([_drawn(face, character, side)[0] for face in having], axis=0))
    return np.stack(cells).astype(np.uint8)


def _row(
    label: str, cells: Ink, truth: Ink, text: str, reader: Recogniser, far: str, speed: float
) -> tuple[str, ...]:
    side = cells.shape[1]
    boxes = tuple(Box(0, side * k, side, side * (k + 1)) for k in range(len(cells)))
    (read,) = reader.read_columns([ColumnInk(cells.reshape(-1, side), boxes)])
    is_right = [canonical(p.text) == canonical(c) for p, c in zip(read, text, strict=True)]
    groups = list(text)  # resampled by character

    def said(values: list[float], digits: str) -> str:
        share = mean(values, groups, np.random.default_rng(SEED))
        return f"{share.value:{digits}} ({share.low:{digits}} to {share.high:{digits}})"

    pairs = list(zip(cells, truth, strict=True))
    figures = [said([measure(*pair) for pair in pairs], ".3f") for measure in (l1, rmse, ssim)]
    is_written = label.startswith(("before", "after", "ScriptViT"))
    return (
        label,
        *(figures if label != "its own ink" else ["-"] * 3),
        said([float(right) for right in is_right], ".0%"),
        far,
        f"{speed:.1f}" if is_written else "-",
    )
