"""Synthetic pages set into real scans: what is still legible, and how real it looks.

Beside the ways of this project: the page as it was drawn, and two baselines that change tones
alone, mean and deviation in Lab (Reinhard and others 2001) and the histogram
(``skimage.exposure.match_histograms``). Real scans are split by file: pages are set into the
first of them, and compared with the others.

How real a page looks is measured twice, without any learned weights. ``tone`` is the distance of
grey histograms (earth mover's, in grey levels), ``grain`` that of the deviations of four bands of
detail (in octaves). ``told apart`` is how often a logistic regression on these and on statistics of
neighbouring pixels, of crops, tells restyled pages from held-out scans: 50 % is chance. The scans
that pages were set into are told apart from the held-out ones too: nothing can come below that row.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from skimage.exposure import match_histograms

from assets.demo_material import DemoParams, content_face
from assets.resources import ROOT, Project
from pipelines import codh
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts, require_font
from pipelines.imaging.codec import decode_pages
from pipelines.store import Store
from pipelines.synthesis.corpora import CorpusPlan, StoredPage, make_corpus, stored_pages
from pipelines.synthesis.hands import Hand
from pipelines.synthesis.layouts import Layout
from pipelines.tables import Tables
from pipelines.texts import load_texts
from tests.benchmarks.measure import table
from training.families.creativesynth import miniature
from training.families.creativesynth.folder import open_sdxl
from training.families.creativesynth.inversion import inverted, replayed
from training.families.creativesynth.legibility import judge_ink
from training.families.creativesynth.restyle import PageInk, SurfaceRestyler
from training.families.creativesynth.surface import Scan, read_scan
from training.families.creativesynth.weights import load_surface
from training.families.unicalli.library import cached_library
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.weights import load_bundle
from training.restyled_corpus import accuracy
from training.roles import Recogniser

Rgb = npt.NDArray[np.uint8]
Way = Callable[[StoredPage, Scan, int], Rgb]

PAGES, SCANS, HELD_OUT = 4, 3, 3
CROP_PX, CROPS_A_PAGE = 128, 24
SEED = 3


def bench_restyling(project: Project) -> None:
    """One table a kind of scan, and the error of inversion on a miniature."""
    with tempfile.TemporaryDirectory() as folder:
        pages = _pages(project, Path(folder))
        reader = _reader(project)
        for name, files in _scans(project, Path(folder)).items():
            _compare(name, files, pages, reader)
        _inversion(Path(folder))


def _compare(
    name: str, files: Sequence[Path], pages: Sequence[StoredPage], reader: Recogniser
) -> None:
    pictures = [_colour(next(decode_pages(f.read_bytes(), f.name))) for f in files]
    started = time.perf_counter()
    scans = [read_scan(picture, "scan") for picture in pictures[:SCANS]]
    measured = (time.perf_counter() - started) / len(scans)
    real = [scan.picture for scan in map(_measured, pictures[SCANS:])]
    restylers = {
        "surface": SurfaceRestyler(None),
        "surface and ArtBN": SurfaceRestyler(load_surface()),
    }
    ways: dict[str, Way] = {
        "as drawn": lambda page, scan, seed: page.image,
        "mean and deviation in Lab": lambda page, scan, seed: _lab(page.image, scan.picture),
        "histogram matching": lambda page, scan, seed: match_histograms(
            page.image, scan.picture, channel_axis=-1
        ),
    }
    for label, restyler in restylers.items():
        ways[label] = _way(restyler)
    rows = []
    for label, way in ways.items():
        started = time.perf_counter()
        made = [way(page, scans[k % SCANS], k) for k, page in enumerate(pages)]
        seconds = (time.perf_counter() - started) / len(pages)
        judged = [judge_ink(p, page.ink) for p, page in zip(made, pages, strict=True)]
        read = [accuracy(reader, page.record, j.ink) for page, j in zip(pages, judged, strict=True)]
        rows.append(
            (
                label,
                f"{np.mean([j.ink_iou for j in judged]):.2f}",
                f"{np.mean(read):.1%}",
                f"{_tone(made, real):.1f}",
                f"{_grain(made, real):.2f}",
                f"{_told_apart(made, real):.0%}",
                f"{1 / seconds:.2f}",
            )
        )
    looks = [scan.picture for scan in scans]
    rows.append(
        (
            "the scans themselves", "", "", f"{_tone(looks, real):.1f}",
            f"{_grain(looks, real):.2f}", f"{_told_apart(looks, real):.0%}", "",
        )
    )  # fmt: skip
    clean = np.mean([accuracy(reader, p.record, _bilevel(p.ink)) for p in pages])
    rows.append(("clean ink", "1.00", f"{clean:.1%}", "", "", "", ""))
    table(
        f"{name}: {len(pages)} pages, {sum(len(p.record.characters) for p in pages)} characters; "
        f"measuring a scan takes {measured:.1f} s",
        ("way", "ink IoU", "read right", "tone", "grain", "told apart", "pages a second"),
        rows,
    )


def _way(restyler: SurfaceRestyler) -> Way:
    def restyled(page: StoredPage, scan: Scan, seed: int) -> Rgb:
        clean = PageInk(page.ink, "page", page.rules, page.seals)
        return restyler.restyle(clean, scan, strength=1.0, seed=seed).picture

    return restyled


def _pages(project: Project, folder: Path) -> list[StoredPage]:
    font = require_font(load_fonts(None, project.home / "fonts"), DemoParams().hand)
    store, tables = Store(folder / "store"), Tables(folder / "tables")
    make_corpus(
        CorpusPlan(name="drawn", seed=SEED, pages=PAGES, layouts=(Layout.ALBUM,), wear=0.2),
        [Hand(font, FontFace(font.files))], load_texts(project.home / "texts")[:3],
        store=store, tables=tables, code_version="benchmark",
    )  # fmt: skip
    return list(stored_pages("drawn", store, tables))


def _scans(project: Project, folder: Path) -> dict[str, list[Path]]:
    books = codh.extract(codh.fetch_wheel(project.home / "codh"), folder / "codh")
    found = {"paper (CODH)": books[: SCANS + HELD_OUT]}
    shared = ROOT.parent / "shared" / "data" / "pages"
    for name in ("libei_clerical", "longchan_running"):
        files = sorted((shared / name).glob("*.jp2"))
        if files:
            found[f"rubbing ({name})"] = files[: SCANS + HELD_OUT]
        else:
            sys.stdout.write(f"\nNo rubbings at {shared / name}; they are left out.\n")
    return found


def _reader(project: Project) -> Recogniser:
    bundle = load_bundle(project.settings.checkpoint)
    library = cached_library(
        bundle.vocabulary, content_face(project), bundle.autoencoder, bundle.dims.cell_px,
        project.home / "cache",
    )  # fmt: skip
    return UniCalliReader(bundle, library, ReadingParams(context_weight=0))


def _inversion(folder: Path) -> None:
    sdxl = open_sdxl(miniature.make_sdxl(folder / "sdxl"), None, torch.device("cpu"))
    rng = np.random.default_rng(SEED)
    artwork = cv2.GaussianBlur(rng.integers(0, 256, (64, 64, 3), np.uint8), (0, 0), 3)
    rows = []
    for steps in (10, 30):
        for refinements in (0, 1, 3):
            found = inverted(sdxl, artwork, "stone", sdxl.levels(steps), refinements)
            again = replayed(sdxl, found[-1], "stone", artwork, steps)
            error = float((again - found[0]).abs().mean() / found[0].abs().mean())
            rows.append((str(steps), str(refinements), f"{error:.2%}"))
    table(
        "Inversion and replay on a miniature of random weights", ("steps", "refinements", "error"),
        rows,
    )  # fmt: skip


def _measured(picture: Rgb) -> Scan:
    return read_scan(picture, "held-out scan")


def _lab(picture: Rgb, like: Rgb) -> Rgb:
    own, theirs = (cv2.cvtColor(p, cv2.COLOR_RGB2LAB).astype(np.float32) for p in (picture, like))
    moved = (own - own.mean(axis=(0, 1))) / np.maximum(own.std(axis=(0, 1)), 1e-3)
    moved = moved * theirs.std(axis=(0, 1)) + theirs.mean(axis=(0, 1))
    return cv2.cvtColor(np.clip(moved, 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB)


def _tone(made: Sequence[Rgb], real: Sequence[Rgb]) -> float:
    """Distance of grey histograms, in grey levels."""
    shares = []
    for pictures in (made, real):
        counts = [np.bincount(_grey(p).astype(int).ravel(), minlength=256) for p in pictures]
        shares.append(np.mean([count / count.sum() for count in counts], axis=0))
    return float(np.abs(np.cumsum(shares[0]) - np.cumsum(shares[1])).sum())


def _grain(made: Sequence[Rgb], real: Sequence[Rgb]) -> float:
    """Distance of the deviations of bands of detail, in octaves."""
    bands = [np.mean([_bands(_grey(p)) for p in pictures], axis=0) for pictures in (made, real)]
    return float(np.abs(np.log2(bands[0] / bands[1])).mean())


def _bands(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    blurred = [grey, *(cv2.GaussianBlur(grey, (0, 0), s) for s in (0.7, 1.4, 2.8, 5.6))]
    return np.array(
        [float((a - b).std()) + 0.1 for a, b in zip(blurred, blurred[1:], strict=False)]
    )


def _told_apart(made: Sequence[Rgb], real: Sequence[Rgb]) -> float:
    """How often a logistic regression names held-out crops right; halves of the pages in turn."""
    right = []
    for fold in range(2):
        learned = [_features(group[fold::2]) for group in (made, real)]
        judged = [_features(group[1 - fold :: 2]) for group in (made, real)]
        right.append(_regressed(learned, judged))
    return float(np.mean(right))


def _features(pictures: Sequence[Rgb]) -> npt.NDArray[np.float64]:
    rng = np.random.default_rng(SEED)
    rows = []
    for picture in pictures:
        grey = _grey(picture)
        for _ in range(CROPS_A_PAGE):
            top = int(rng.integers(0, grey.shape[0] - CROP_PX + 1))
            left = int(rng.integers(0, grey.shape[1] - CROP_PX + 1))
            crop = grey[top : top + CROP_PX, left : left + CROP_PX]
            colour = picture[top : top + CROP_PX, left : left + CROP_PX].reshape(-1, 3)
            steps = [np.abs(crop[:, k:] - crop[:, :-k]).mean() for k in (1, 2, 4)]
            rows.append(
                [
                    *np.quantile(crop, (0.05, 0.25, 0.5, 0.75, 0.95)), *colour.std(axis=0),
                    *np.log(_bands(crop)), *np.log1p(steps),
                ]
            )  # fmt: skip
    return np.array(rows, np.float64)


def _regressed(
    learned: Sequence[npt.NDArray[np.float64]], judged: Sequence[npt.NDArray[np.float64]]
) -> float:
    both = np.concatenate(learned)
    mean, deviation = both.mean(axis=0), both.std(axis=0) + 1e-6
    x = torch.from_numpy((both - mean) / deviation).float()
    y = torch.cat([torch.zeros(len(learned[0])), torch.ones(len(learned[1]))])
    weight = torch.zeros(x.shape[1] + 1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=100)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(
            x @ weight[:-1] + weight[-1], y
        )
        value = value + 0.01 * weight[:-1].square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    shares = []
    for wanted, rows in enumerate(judged):
        said = torch.from_numpy((rows - mean) / deviation).float() @ weight[:-1] + weight[-1] > 0
        shares.append(float((said == bool(wanted)).float().mean()))
    return float(np.mean(shares))


def _grey(picture: Rgb) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def _colour(picture: Rgb) -> Rgb:
    return picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)


def _bilevel(ink: Rgb) -> Rgb:
    return np.where(ink > 127, 255, 0).astype(np.uint8)
