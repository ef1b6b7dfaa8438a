"""Whose hand it is, and writing in the hand of references, beside what needs no model.

Every set of references shows texts that nothing was learned from. Known hands are to be named,
strange ones rejected: the area under the curve (AUROC) says how well the distance to the nearest
known hand parts the two, without any threshold. Beside ScriptViT stand plain statistics of pixels
and a small classifier trained on the same pictures.

Written characters are judged by the family's own recogniser and style vectors, which is no
independent judge: "hand distance" follows the formula of HWD (distance of mean features), not its
network, and is no HWD.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from assets.demo_material import content_face
from assets.resources import ROOT, Project
from pipelines.glyphs.fonts import FontFace
from tests.benchmarks.measure import table
from training.families.scriptvit.attribution import drawn_sets, style_vectors
from training.families.scriptvit.conditioning import (
    Material,
    material_of_characters,
    material_of_words,
)
from training.families.scriptvit.judges import errors
from training.families.scriptvit.weights import Bundle, load_bundle
from training.families.scriptvit.writing import ScriptViTWriter
from training.hand_classifier import HandClassifier, train_hand_classifier
from training.hands import bank_of_hands, fetched_hands
from training.metrics.recognition import RESAMPLES, accuracy, mean
from training.recipes import scriptvit as recipes
from training.vocabulary import build_vocabulary

CHECKPOINTS = ROOT / "training" / "families" / "scriptvit" / "checkpoints"
SIZES = (1, 3, 5, 15)
SETS = 20
"""Of each hand and size."""
TOLD_FROM = 5
"""Written pictures in a set whose hand is asked for."""
WRITTEN = 40
"""Texts written in each strange hand, at most."""
SEED = 11

Distances = Callable[[np.ndarray], np.ndarray]
"""Sets of references (B, N, height, width) to how far each known hand is (B, hands)."""


@dataclass(frozen=True)
class Asked:
    """The hands a model learned from, of which some texts were held out, and hands it never saw."""

    known: Material
    strange: Material

    @property
    def learned(self) -> Material:
        """Texts that were learned from, in known hands."""
        return self.known.part(~self.known.is_held_out)

    @property
    def held_out(self) -> Material:
        """Texts that were not."""
        return self.known.part(self.known.is_held_out)


def bench_hands(project: Project) -> None:
    """Attribution of characters and words, then writing."""
    for name, material in (("tiny", _characters), ("words", _words)):
        folder = CHECKPOINTS / name
        if not folder.is_dir():
            sys.stdout.write(f"\nThere is no {folder}: scriptvit.{name} is not bundled.\n")
            continue
        bundle = load_bundle(folder)
        asked = material(project, bundle)
        if asked is None:
            sys.stdout.write(f"\nThe material of scriptvit.{name} is not here.\n")
            continue
        _attribution(name, bundle, asked)
        if bundle.generator is not None:
            _writing(name, bundle, asked, content_face(project))


def _characters(project: Project, bundle: Bundle) -> Asked | None:
    recipe, fonts = recipes.tiny(), project.home / "fonts"
    vocabulary = build_vocabulary([], recipe.vocabulary_size)
    face = content_face(project)

    def of(names: tuple[str, ...]) -> Material:
        bank = bank_of_hands(fetched_hands(fonts, names), vocabulary, project.home / "cache")
        return material_of_characters(bank, vocabulary, face, bundle.dims)

    return Asked(of(tuple(bundle.recipe["hands"])), of(recipes.STRANGE_HANDS))


def _words(project: Project, bundle: Bundle) -> Asked | None:
    recipe = recipes.words()
    path = ROOT.parent / "shared" / "data" / "latin_words_by_writer.parquet"
    if not path.is_file():
        return None
    words = material_of_words(path, content_face(project), bundle.dims, recipe.most_letters)
    names = words.hand_names
    return Asked(words.of_hands(names[: -recipe.apart]), words.of_hands(names[-recipe.apart :]))


def _attribution(name: str, bundle: Bundle, asked: Asked) -> None:
    ways: dict[str, Distances] = {
        "ScriptViT": lambda sets: (
            1 - style_vectors(bundle.encoder, sets) @ bundle.enrolled.prototypes.T
        ),
        "pixel statistics": _by_statistics(asked.learned),
        "small classifier": _by_classifier(asked.learned),
    }
    rng = np.random.default_rng(SEED)
    rows = []
    for size in SIZES:
        known, hands = _sets(asked.held_out, size, rng)
        unseen = asked.strange.part(asked.strange.is_held_out)
        strange, strange_hands = _sets(unseen, size, rng)
        for label, way in ways.items():
            far, far_strange = way(known), way(strange)
            right = accuracy((far.argmin(axis=1) == hands).tolist(), _groups(hands), rng)
            area, low, high = _area(
                far.min(axis=1), hands, far_strange.min(axis=1), strange_hands, rng
            )
            rows.append(
                (
                    f"{label}, {size} references",
                    f"{right.value:.1%} ({right.low:.1%} to {right.high:.1%})",
                    f"{area:.3f} ({low:.3f} to {high:.3f})",
                    _rejected(bundle, size, far, far_strange) if label == "ScriptViT" else "",
                )
            )
    counts = len(asked.held_out.hand_names), len(asked.strange.hand_names)
    header = ("way", "named right", "AUROC, strange hands", "rejected known / strange")
    table(
        f"scriptvit.{name}: {counts[0]} known hands, {counts[1]} strange, texts never learned; "
        f"95 % intervals over hands",
        header,
        rows,
    )


def _rejected(bundle: Bundle, size: int, known: np.ndarray, strange: np.ndarray) -> str:
    limit = bundle.enrolled.threshold(size)
    shares = [(far.min(axis=1) > limit).mean() for far in (known, strange)]
    return f"{shares[0]:.0%} / {shares[1]:.0%}"


def _sets(material: Material, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    sets, hands = [], []
    for hand in range(len(material.hand_names)):
        pictures = material.pictures[material.hands == hand]
        if len(pictures) >= size:
            sets.append(drawn_sets(pictures, size, SETS, rng))
            hands += [hand] * SETS
    return np.concatenate(sets), np.asarray(hands)


def _area(
    known: np.ndarray,
    known_hands: np.ndarray,
    strange: np.ndarray,
    strange_hands: np.ndarray,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """How often a strange set is farther than a known one, with an interval over hands."""
    wins = (strange[:, None] > known).astype(float) + 0.5 * (strange[:, None] == known)
    rows, columns = np.unique(strange_hands), np.unique(known_hands)
    grid = np.asarray(
        [[wins[strange_hands == r][:, known_hands == c].mean() for c in columns] for r in rows]
    )
    drawn = [
        grid[rng.integers(0, len(rows), len(rows))][:, rng.integers(0, len(columns), len(columns))]
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile([one.mean() for one in drawn], [0.025, 0.975])
    return float(grid.mean()), float(low), float(high)


def _groups(hands: np.ndarray) -> list[str]:
    return [str(hand) for hand in hands]


def statistics(picture: np.ndarray) -> np.ndarray:
    """Ink, stroke width, edges by direction, and where the ink lies: 14 numbers of a picture."""
    ink = picture > 127
    if not ink.any():
        return np.zeros(14)
    inside = cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3)[ink]
    dx, dy = cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    strength, angle = np.hypot(dx, dy), np.arctan2(dy, dx) % np.pi
    bins, _ = np.histogram(angle, 8, (0, np.pi), weights=strength)
    rows, columns = np.nonzero(ink)
    return np.asarray(
        [
            ink.mean(), inside.mean(), inside.max(), strength.sum() / ink.sum() / 1000,
            rows.std() / picture.shape[0], columns.std() / picture.shape[1],
            *(bins / max(1e-6, bins.sum())),
        ]
    )  # fmt: skip


def _by_statistics(learned: Material) -> Distances:
    known = np.stack([statistics(picture) for picture in learned.pictures])
    middle, scale = known.mean(axis=0), known.std(axis=0) + 1e-9
    scaled = (known - middle) / scale
    hands = range(len(learned.hand_names))
    prototypes = np.stack([scaled[learned.hands == hand].mean(axis=0) for hand in hands])

    def far(sets: np.ndarray) -> np.ndarray:
        means = np.stack([np.mean([statistics(p) for p in one], axis=0) for one in sets])
        offsets = ((means - middle) / scale)[:, None] - prototypes
        return np.linalg.norm(offsets, axis=2)

    return far


def _by_classifier(learned: Material) -> Distances:
    model: HandClassifier = train_hand_classifier(learned.pictures, learned.hands)

    def far(sets: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            flat = torch.from_numpy(sets.reshape(-1, 1, *sets.shape[2:])).float() / 255
            scores = torch.cat([model(part) for part in torch.split(flat, 256)])
            likely = scores.log_softmax(dim=1).reshape(len(sets), sets.shape[1], -1)
        return -likely.mean(dim=1).numpy()

    return far


def _writing(name: str, bundle: Bundle, asked: Asked, face: FontFace) -> None:
    """In hands never seen: read by the family's recogniser, and how far from the hand.

    Written is what the hand wrote as well, so that its own ink is read beside it. Sets of
    ``TOLD_FROM`` written pictures are taken for the hand whose own ink is nearest, of all hands
    never seen.
    """
    rng = np.random.default_rng(SEED)
    parted = [
        (shown, wanted)
        for shown, wanted in _parted(asked.strange, rng)
        if len(shown) >= max(SIZES) + TOLD_FROM and len(wanted) >= TOLD_FROM
    ]
    if not parted:
        return
    middles = np.stack([_middle(bundle, asked.strange.written[shown]) for shown, _ in parted])
    seconds, count = 0.0, 0
    found: dict[str, list[Judged]] = {}
    for size in SIZES:
        for place, (shown, wanted) in enumerate(parted):
            texts = [asked.strange.texts[text] for text in asked.strange.text_ids[wanted]]
            started = time.perf_counter()
            writer = ScriptViTWriter(bundle, face, asked.strange.pictures[shown[:size]])
            made = writer.pictures(texts)
            seconds, count = seconds + time.perf_counter() - started, count + len(made)
            # References are no judges: the hand is what else of it was shown.
            rest = middles.copy()
            rest[place] = _middle(bundle, asked.strange.written[shown[size:]])
            found.setdefault(f"written, {size} references", []).append(
                _judged(bundle, writer, made, texts, rest, place)
            )
            if size == SIZES[0]:
                own = asked.strange.written[wanted]
                standard = asked.strange.contents[asked.strange.text_ids[wanted]]
                for label, pictures in (("its own ink", own), ("the content font", standard)):
                    judged = _judged(bundle, writer, pictures, texts, rest, place)
                    found.setdefault(label, []).append(judged)
    own_errors = [judged.errors for judged in found["its own ink"]]
    rows = []
    for label, all_judged in found.items():
        more = [
            abs(judged.errors - own) for judged, own in zip(all_judged, own_errors, strict=True)
        ]
        rows.append(
            (
                label,
                *(
                    _over_hands(values, digits)
                    for values, digits in (
                        ([judged.errors for judged in all_judged], ".0%"),
                        (more, ".2f"),
                        ([judged.distance for judged in all_judged], ".3f"),
                        ([judged.taken_right for judged in all_judged], ".0%"),
                    )
                ),
            )
        )
    header = ("", "letters misread", "delta CER", "hand distance", f"right of {len(parted)} hands")
    written = sum(len(wanted) for _, wanted in parted)
    table(
        f"scriptvit.{name}: {written} texts in {len(parted)} hands never seen, "
        f"{count / max(1e-9, seconds):.0f} a second; 95 % intervals over hands",
        header,
        sorted(rows, key=lambda row: not row[0].startswith("written")),
    )


@dataclass(frozen=True)
class Judged:
    """What is said of the pictures of one hand: error rate, distance, share of sets taken right."""

    errors: float
    distance: float
    taken_right: float


def _parted(material: Material, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each hand, places to show and places to write.

    Words that are written were never learned. Characters were, in other hands: the recogniser that
    judges them knows no others.
    """
    is_wanted = material.is_held_out if material.is_words else ~material.is_held_out
    parts = []
    for hand in range(len(material.hand_names)):
        own = material.hands == hand
        shown, wanted = np.flatnonzero(own & ~is_wanted), np.flatnonzero(own & is_wanted)
        parts.append((rng.permutation(shown)[:60], rng.permutation(wanted)[:WRITTEN]))
    return parts


def _judged(
    bundle: Bundle, writer: ScriptViTWriter, pictures: np.ndarray, texts: list[str],
    middles: np.ndarray, hand: int,
) -> Judged:  # fmt: skip
    vectors = _vectors(bundle, pictures)
    sets = [vectors[k : k + TOLD_FROM].mean(axis=0) for k in range(0, len(vectors), TOLD_FROM)]
    taken = [np.linalg.norm(middles - one, axis=1).argmin() == hand for one in sets]
    return Judged(
        errors=errors(writer.read_back(pictures), texts),
        distance=float(np.linalg.norm(vectors.mean(axis=0) - middles[hand])),
        taken_right=float(np.mean(taken)),
    )


def _over_hands(values: list[float], digits: str) -> str:
    share = mean(values, [str(k) for k in range(len(values))], np.random.default_rng(SEED))
    return f"{share.value:{digits}} ({share.low:{digits}} to {share.high:{digits}})"


def _middle(bundle: Bundle, pictures: np.ndarray) -> np.ndarray:
    """The mean style vector of single pictures."""
    return np.asarray(_vectors(bundle, pictures).mean(axis=0))


def _vectors(bundle: Bundle, pictures: np.ndarray) -> np.ndarray:
    size = (bundle.dims.width_px, bundle.dims.height_px)
    fitted = np.stack([cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in pictures])
    return np.asarray(style_vectors(bundle.encoder, fitted[:, None]))
