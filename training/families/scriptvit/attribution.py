"""Who wrote this? The nearest enrolled hand, or none of them.

A hand is enrolled as the mean of its style vectors, its prototype. What is asked about is as far
from a hand as one minus the cosine to its prototype. Farther than the threshold it is rejected:
"none of the known hands" is an answer. Thresholds are calibrated on characters that nothing was
learned from, for each number of references, since fewer say less.

Holds: ``Enrolled``, ``Attribution``, :func:`enrol`, :func:`attribute`, :func:`style_vectors` and
``spread``, by which references of several hands are noticed.

Keeps out: the style encoder (``style_encoder``), pictures and files (``training.whose_hand``).

Legend: B sets, N references, S style width, E enrolled hands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from pipelines.errors import ModelError
from training.families.scriptvit.conditioning import Ink, Material
from training.families.scriptvit.style_encoder import StyleEncoder

Vectors = npt.NDArray[np.float32]

PICTURES_AT_ONCE = 240
TOGETHER = 5
"""References that look at each other: the largest set of training, and of the paper."""


@dataclass(frozen=True, kw_only=True)
class AttributionParams:
    """How hands are enrolled and thresholds found.

    Attributes:
        set_size: References in each set of which a prototype is the mean.
        sets: Such sets a hand.
        calibrated_sizes: Numbers of references that get a threshold of their own; others take that
            of the next smaller.
        accepted_share: Of held-out sets of enrolled hands that the threshold lets pass.
        calibrated_sets: Held-out sets a hand and size.
        one_hand_share: Of sets by one hand that are not taken for several hands'.
    """

    set_size: int = 5
    sets: int = 16
    calibrated_sizes: tuple[int, ...] = (1, 3, 5, 15)
    accepted_share: float = 0.95
    calibrated_sets: int = 12
    one_hand_share: float = 0.99
    seed: int = 0


@dataclass(frozen=True)
class Enrolled:
    """Hands that are known.

    Attributes:
        names: E of them.
        prototypes: (E, S) of length one.
        thresholds: Largest distance at which a hand is accepted, by number of references.
        spread_limit: Largest :func:`spread` of references that pass for one hand's.
    """

    names: tuple[str, ...]
    prototypes: Vectors
    thresholds: Mapping[int, float] = field(default_factory=dict)
    spread_limit: float = 2.0

    def threshold(self, references: int) -> float:
        """For that many references."""
        sizes = [size for size in sorted(self.thresholds) if size <= references]
        if not sizes:
            raise ModelError(
                f"There is no threshold for {references} references; calibrated are "
                f"{sorted(self.thresholds)}. Give more references, or train again."
            )
        return self.thresholds[sizes[-1]]


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """Whose hand it is.

    Attributes:
        nearest: All enrolled hands with their distance in [0, 2], nearest first.
        threshold: Beyond it a hand is not accepted.
        references: How many pictures were looked at.
    """

    nearest: tuple[tuple[str, float], ...]
    threshold: float
    references: int

    @property
    def is_rejected(self) -> bool:
        """Whether it is none of the known hands."""
        return self.nearest[0][1] > self.threshold

    @property
    def hand(self) -> str:
        """The hand, or the empty string."""
        return "" if self.is_rejected else self.nearest[0][0]


def style_vectors(encoder: StyleEncoder, sets: Ink) -> Vectors:
    """(B, N, height, width), white on black, to (B, S).

    More references than were looked at together in training are taken in parts of at most so
    many, and what the parts say is averaged: 15 at once named fewer hands right than 3 times 5.
    """
    parts = np.array_split(np.arange(sets.shape[1]), -(-sets.shape[1] // TOGETHER))
    vectors = np.mean([_vectors(encoder, sets[:, part]) for part in parts], axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)


@torch.inference_mode()
def _vectors(encoder: StyleEncoder, sets: Ink) -> Vectors:
    device = next(encoder.parameters()).device
    at_once = max(1, PICTURES_AT_ONCE // sets.shape[1])
    found = [
        encoder(torch.from_numpy(part)[:, :, None].to(device).float() / 255).vector.cpu().numpy()
        for part in np.split(sets, range(at_once, len(sets), at_once))
    ]
    return np.asarray(np.concatenate(found), np.float32)


def drawn_sets(pictures: Ink, size: int, count: int, rng: np.random.Generator) -> Ink:
    """``count`` random sets of ``size`` pictures, none twice in a set: (count, size, h, w).

    Raises:
        ModelError: If there are fewer pictures than that.
    """
    if len(pictures) < size:
        raise ModelError(
            f"A set of {size} references cannot be drawn from {len(pictures)} pictures of a hand. "
            f"Give more pictures, or leave the hand out."
        )
    return np.stack([pictures[rng.choice(len(pictures), size, False)] for _ in range(count)])


def enrol(encoder: StyleEncoder, hands: Mapping[str, Ink], params: AttributionParams) -> Enrolled:
    """Prototypes of hands, from pictures (N, height, width) of each; no threshold yet."""
    rng = np.random.default_rng(params.seed)
    prototypes = []
    for pictures in hands.values():
        size = min(params.set_size, len(pictures))
        count = 1 if len(pictures) <= size else params.sets
        vectors = style_vectors(encoder, drawn_sets(pictures, size, count, rng))
        prototypes.append(unit(vectors.mean(axis=0)))
    return Enrolled(names=tuple(hands), prototypes=np.stack(prototypes))


def calibrated(
    encoder: StyleEncoder, enrolled: Enrolled, held_out: Material, params: AttributionParams
) -> Enrolled:
    """The same hands with thresholds, from pictures of texts that nothing was learned from."""
    rng = np.random.default_rng((params.seed, 1))
    thresholds = {}
    spreads: list[float] = []
    by_hand = [held_out.pictures[held_out.hands == h] for h in range(len(held_out.hand_names))]
    for size in params.calibrated_sizes:
        own: list[float] = []
        for name, pictures in zip(held_out.hand_names, by_hand, strict=True):
            if len(pictures) < size:
                continue
            sets = drawn_sets(pictures, size, params.calibrated_sets, rng)
            prototype = enrolled.prototypes[enrolled.names.index(name)]
            own += (1 - style_vectors(encoder, sets) @ prototype).tolist()
            if size == params.set_size:
                spreads += [spread(encoder, one) for one in sets]
        if own:
            thresholds[size] = float(np.quantile(own, params.accepted_share))
    limit = float(np.quantile(spreads, params.one_hand_share)) if spreads else 2.0
    return Enrolled(enrolled.names, enrolled.prototypes, thresholds, limit)


def attribute(vector: Vectors, references: int, enrolled: Enrolled) -> Attribution:
    """Whose hand a style vector (S,) of so many references is."""
    distances = 1 - enrolled.prototypes @ vector
    order = np.argsort(distances, kind="stable")
    return Attribution(
        nearest=tuple((enrolled.names[place], float(distances[place])) for place in order),
        threshold=enrolled.threshold(references),
        references=references,
    )


def spread(encoder: StyleEncoder, references: Ink) -> float:
    """How far single references (N, height, width) lie apart: the mean distance of two of them.

    Zero for one reference.
    """
    if len(references) < 2:
        return 0.0
    vectors = style_vectors(encoder, references[:, None])
    likeness = vectors @ vectors.T
    return float(1 - likeness[np.triu_indices(len(vectors), 1)].mean())


def require_one_hand(
    encoder: StyleEncoder, references: Ink, enrolled: Enrolled, named: Sequence[str]
) -> None:
    """Refuse references that lie farther apart than one hand's.

    Raises:
        ModelError: If they do; it names the one that is least like the others.
    """
    found = spread(encoder, references)
    if found <= enrolled.spread_limit:
        return
    vectors = style_vectors(encoder, references[:, None])
    odd = int((vectors @ unit(vectors.mean(axis=0))).argmin())
    raise ModelError(
        f"The {len(references)} references look like several hands: two of them are {found:.2f} "
        f"apart on the average, and of one hand at most {enrolled.spread_limit:.2f}. Least like "
        f"the others is {named[odd]}. Leave it out, or allow several hands."
    )


def unit(vector: Vectors) -> Vectors:
    """At length one."""
    scaled: Vectors = (vector / np.linalg.norm(vector)).astype(np.float32)
    return scaled
