"""What the verbs do for CreativeSynth: learn surfaces, restyle pages, restyle a corpus.

    python -m training restyle page.png --like rubbing.jp2 --out restyled
    python -m training restyle-corpus --tables T --store S --corpus first --like-batch B \
        --out-corpus first-on-stone

Holds: ``restyle`` and ``restyle_corpus``, and what ``train --recipe creativesynth...`` does.

Keeps out: the work itself (the family), a corpus' records (``training.restyled_corpus``).
"""

from __future__ import annotations

import argparse
import io
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from pipelines.errors import MaterialError, ModelError, UnreadableImage
from pipelines.imaging.codec import decode_pages, decode_picture
from pipelines.imaging.ink import normalize_ink
from pipelines.records import Page, Script, Work
from pipelines.store import Store, write_whole
from pipelines.synthesis.corpora import stored_pages
from pipelines.tables import Tables
from training.families.creativesynth import miniature
from training.families.creativesynth.folder import open_sdxl
from training.families.creativesynth.inversion import inverted, replayed
from training.families.creativesynth.learning import learn_surfaces
from training.families.creativesynth.legibility import judge_ink, require_legible
from training.families.creativesynth.recipe import SurfaceRecipe
from training.families.creativesynth.restyle import (
    PageInk,
    Restyler,
    SdxlRestyler,
    SurfaceRestyler,
)
from training.families.creativesynth.surface import Scan, read_scan
from training.families.creativesynth.synthesis import SynthesisParams, Task, synthesise
from training.families.creativesynth.weights import BUNDLED, load_surface, save_surface
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.opening import begin, opened
from training.recipes import creativesynth as recipes
from training.restyled_corpus import CorpusJob, Source, restyle_pages
from training.roles import Recogniser
from training.slices import device_of_process

logger = logging.getLogger(__name__)

Rgb = npt.NDArray[np.uint8]

SURFACES = {"creativesynth.surface": recipes.surface}
DEBUGS = {"creativesynth.debug": recipes.debug}
SYNTHESES = {"creativesynth.sdxl": recipes.sdxl}


def restyle(arguments: argparse.Namespace) -> dict[str, Any]:
    """Pages set into scans, one PNG each; what is not legible is refused and named."""
    begin(arguments)
    _require_strength(arguments.strength)
    if arguments.out.exists() and not arguments.out.is_dir():
        raise ModelError(f"{arguments.out} is a file; --out names a folder.")
    restyler = _restyler(arguments)
    scans = [(path, read_scan(_picture(path), path.name)) for path in arguments.like]
    restyled: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for number, path in enumerate(arguments.pages):
        like, scan = scans[number % len(scans)]
        target = arguments.out / f"{path.stem}.png"
        try:
            restyled.append(_restyled(arguments, restyler, path, like, scan, target, number))
        except MaterialError as error:
            refused.append({"file": str(path), "reason": error.reason, "detail": str(error)})
            logger.info("%s", error)
    if not restyled:
        raise MaterialError(refused[0]["detail"], reason=refused[0]["reason"])
    return {
        "restyler": restyler.name,
        "restyled": restyled,
        "refused": refused,
        "is_synthetic": True,
    }


def _restyled(
    arguments: argparse.Namespace, restyler: Restyler, path: Path, like: Path, scan: Scan,
    target: Path, number: int,
) -> dict[str, Any]:  # fmt: skip
    if target.exists():
        raise MaterialError(
            f"There is already something at {target}; nothing is overwritten. Choose another "
            f"--out.",
            reason="already_there",
        )
    ink = normalize_ink(_picture(path)).ink
    seed = arguments.seed + number
    made = restyler.restyle(PageInk(ink, path.name), scan, strength=arguments.strength, seed=seed)
    found = judge_ink(made.picture, ink)
    require_legible(found, scan.polarity, path.name)
    said = {
        "Title": path.stem,
        "Description": "A synthetic page in the look of a real scan; no historical work.",
        "Software": f"Beitie, CreativeSynth ({restyler.name})",
        "Source": f"surface of {like.name}",
        "Seed": str(seed),
    }
    write_whole(target, marked_png(made.picture, said))
    return {
        "file": str(path),
        "like": str(like),
        "out": str(target),
        "polarity": str(made.polarity),
        "ink_iou": round(found.ink_iou, 4),
        "ink_found": round(found.ink_found, 4),
        "ink_true": round(found.ink_true, 4),
    }


def restyle_corpus(arguments: argparse.Namespace) -> dict[str, Any]:
    """A corpus set into real scans, as another corpus of the same kind."""
    begin(arguments)
    _require_strength(arguments.strength)
    tables, store = Tables(arguments.tables), Store(arguments.store)
    sources = _sources(arguments, tables, store)
    reader: Recogniser | None = None
    if arguments.reader is not None:
        bundle, library = opened(arguments, arguments.reader)
        reader = UniCalliReader(bundle, library, ReadingParams(context_weight=0))
    job = CorpusJob(
        corpus=arguments.corpus,
        out=arguments.out_corpus,
        strength=arguments.strength,
        seed=arguments.seed,
        code_version=arguments.code_version,
        inputs=arguments.inputs,
    )
    corpus, figures = restyle_pages(
        job, sources, _restyler(arguments), tables, store, reader,
        lambda done: logger.info("restyled %d pages", done),
    )  # fmt: skip
    report: dict[str, Any] = {
        "corpus": corpus.corpus,
        "pages": corpus.pages,
        "refused": figures.refused,
        "characters": corpus.characters,
        "rights": list(corpus.rights),
        "ink_iou": round(fmean(figures.ink_iou), 4),
        "lowest_ink_iou": round(min(figures.ink_iou), 4),
        "is_synthetic": True,
    }
    if figures.accuracies:
        before, after = zip(*figures.accuracies, strict=True)
        report["read_right"] = {"before": round(fmean(before), 4), "after": round(fmean(after), 4)}
    return report


def train_surface(arguments: argparse.Namespace, recipe: SurfaceRecipe) -> dict[str, Any]:
    """The surface autoencoder, from real scans and, where tables are given, synthetic pages."""
    if arguments.out.exists():
        raise ModelError(
            f"There is already something at {arguments.out}; a checkpoint is never overwritten. "
            f"Choose another folder or delete that one."
        )
    if arguments.seconds:
        recipe = replace(recipe, loop=replace(recipe.loop, seconds=arguments.seconds))
    scans = [_picture(path) for path in arguments.scans or ()]
    drawn: list[Rgb] = []
    if arguments.tables and arguments.store:
        tables, store = Tables(arguments.tables), Store(arguments.store)
        for name in tables.batches("corpus_pages"):
            drawn += [page.image for page in stored_pages(name, store, tables)]
    return _learned(arguments.out, recipe, scans, drawn)


def train_debug(arguments: argparse.Namespace, recipe: SurfaceRecipe) -> dict[str, Any]:
    """Every part in a few steps: an autoencoder of noise, and SDXL's way on a miniature."""
    rng = np.random.default_rng(recipe.seed)
    pictures = [rng.integers(0, 256, (64, 64, 3), np.uint8) for _ in range(3)]
    report = train_surface(arguments, recipe) if arguments.scans else None
    report = report or _learned(arguments.out, recipe, pictures, [])
    params = recipes.sdxl_debug()
    with tempfile.TemporaryDirectory() as folder:
        sdxl = open_sdxl(
            miniature.make_sdxl(Path(folder) / "sdxl"),
            miniature.make_ip_adapter(Path(folder) / "adapter"),
            device_of_process(),
        )
        artwork = np.asarray(cv2.GaussianBlur(pictures[0], (0, 0), 3), np.uint8)
        levels = sdxl.levels(params.steps)
        found = inverted(sdxl, artwork, "stone", levels)
        again = replayed(sdxl, found[-1], "stone", artwork, params.steps)
        error = float((again - found[0]).abs().mean() / found[0].abs().mean())
        for task in Task:
            synthesise(
                sdxl, artwork, task, artwork_prompt="stone", prompt="ink", semantic=pictures[1],
                params=params, seed=recipe.seed,
            )  # fmt: skip
    return {**report, "inversion_error": round(error, 4), "tasks": [str(task) for task in Task]}


def nothing_to_train(arguments: argparse.Namespace, params: SynthesisParams) -> dict[str, Any]:
    """The paper trains nothing, and neither does the recipe.

    Raises:
        ModelError: Always.
    """
    raise ModelError(
        f"{arguments.recipe} trains nothing: the method runs on a finished SDXL ({params.steps} "
        f"steps, guidance {params.guidance:g}, {params.side_px} pixels). Use `python -m training "
        f"restyle PAGE --like SCAN --out FOLDER --sdxl SDXL_FOLDER`."
    )


def marked_png(picture: Rgb, said: Mapping[str, str]) -> bytes:
    """A picture as PNG that says within itself what it is."""
    chunks = PngImagePlugin.PngInfo()
    for name, value in said.items():
        chunks.add_itxt(name, value)
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", pnginfo=chunks)
    return out.getvalue()


def _learned(
    out: Path, recipe: SurfaceRecipe, scans: Sequence[Rgb], drawn: Sequence[Rgb]
) -> dict[str, Any]:
    log = out.with_name(f".{out.name}.curve.jsonl")
    log.parent.mkdir(parents=True, exist_ok=True)
    learned = learn_surfaces(
        [_coloured(picture) for picture in (*scans, *drawn)], recipe, log=log,
        device=device_of_process(),
    )  # fmt: skip
    parameters = sum(p.numel() for p in learned.model.parameters())
    figures = {
        "steps": learned.fitted.steps,
        "train_seconds": round(learned.fitted.seconds, 1),
        "psnr_db": round(learned.psnr_db, 2),
        "coarse_psnr_db": round(learned.coarse_psnr_db, 2),
        "pictures_held_out": learned.held_out,
    }
    card = (
        f"# Surface autoencoder of CreativeSynth\n\n"
        f"{parameters:,} parameters, trained by {recipe.name} on {len(scans)} real scans and "
        f"{len(drawn)} synthetic pages in {learned.fitted.steps} steps and "
        f"{learned.fitted.seconds:.0f} s. Crops of {learned.held_out} held-out pictures come back "
        f"at {learned.psnr_db:.1f} dB, from the coarse level alone at "
        f"{learned.coarse_psnr_db:.1f} dB. It holds no picture and no text.\n"
    )
    said = {"name": recipe.name, "scans": len(scans), "synthetic_pages": len(drawn), **figures}
    save_surface(learned.model, said, out, card, log)
    log.unlink(missing_ok=True)
    return {"checkpoint": str(out), "parameters": parameters, **figures}


def _restyler(arguments: argparse.Namespace) -> Restyler:
    model = None if arguments.without_artbn else load_surface(arguments.checkpoint or BUNDLED)
    if arguments.sdxl is None:
        if arguments.ip_adapter is not None:
            raise ModelError("--ip-adapter goes with --sdxl FOLDER, which was not given.")
        return SurfaceRestyler(model)
    device = device_of_process()
    if device.type == "cpu":
        logger.warning("SDXL on a CPU takes many minutes a page; a GPU takes seconds.")
    params = recipes.sdxl()
    sdxl = open_sdxl(arguments.sdxl, arguments.ip_adapter, device)
    smallest = int(sdxl.pipe.default_sample_size) * sdxl.downsampling
    return SdxlRestyler(sdxl, model, replace(params, side_px=min(params.side_px, smallest)))


def _sources(arguments: argparse.Namespace, tables: Tables, store: Store) -> list[Source]:
    """Scans of a batch with the rights of their works, or files with the rights that are named."""
    if (arguments.like_batch is None) == (not arguments.like):
        raise ModelError("Give either --like-batch BATCH or --like FILE..., and not both.")
    if arguments.like_batch is not None:
        pages = tables.read("pages", arguments.like_batch, Page)
        synthetic = [page for page in pages if page.work.is_synthetic]
        if synthetic:
            raise MaterialError(
                f"The batch {arguments.like_batch!r} holds synthetic pages ({synthetic[0].page_id}"
                f"...); a real look needs real scans. Name another batch.",
                reason="synthetic_scan",
            )
        found = [(decode_picture(store.get(p.image_key)), p.page_id, p.work) for p in pages]
    else:
        if not arguments.like_rights:
            raise ModelError(
                "Scans from files need --like-rights, such as 'public domain': rights travel with "
                "everything that is made from them."
            )
        found = [
            (_picture(path), path.name, _work(path, arguments.like_rights))
            for path in arguments.like
        ]
    sources = []
    for picture, name, work in found:
        try:
            sources.append(Source(read_scan(picture, name), name, work))
        except MaterialError as error:
            logger.info("%s It is left out.", error)
    if not sources:
        raise MaterialError(
            f"None of the {len(found)} scans has enough ink to take a look from. Name others.",
            reason="blank_scan",
        )
    return sources


def _work(path: Path, rights: str) -> Work:
    return Work(
        work_id=path.name, title=path.stem, calligrapher="", script=Script.UNKNOWN, rights=rights,
        source=str(path.name),
    )  # fmt: skip


def _picture(path: Path) -> Rgb:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableImage(
            f"{path} cannot be read ({error.strerror}). Give a picture of a page.",
            reason="unreadable",
        ) from error
    return next(decode_pages(data, path.name))


def _coloured(picture: Rgb) -> Rgb:
    if picture.ndim == 3:
        return picture
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB), np.uint8)


def _require_strength(strength: float) -> None:
    if not 0 <= strength <= 1:
        raise ModelError(f"--strength lies between 0 and 1; got {strength:g}.")
