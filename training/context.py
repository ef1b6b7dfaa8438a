"""What usually follows what: pairs of characters in classical texts, and reading with them.

A reader looks at each character by itself and is often torn between two that look alike; what
stands before and after tells them apart. The model is the simplest that helps: how often one
character follows another, falling back on how common it is at all.

Holds: ``PairModel`` with its making from texts and its file, and :func:`in_context`, which weighs
the candidates of a whole column at once.

Keeps out: where candidates come from (the readers), texts (``pipelines.texts``).

Legend: V characters of the table, N characters of a column, K candidates of each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from pipelines.errors import ModelError
from pipelines.texts import Text
from training.vocabulary import Vocabulary

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

CONTEXT_FILE = "context.safetensors"


@dataclass(frozen=True, kw_only=True)
class PairParams:
    """How texts are counted.

    Attributes:
        full_weight: Characters of a collection up to which each counts whole. Of a larger one
            each counts less, by the root: sixteen million characters of verse must not drown the
            prose that stones and letters are written in.
        discount: Taken off each count, for pairs that were never seen.
        least: Weighted count under which a pair is forgotten.
        unseen: Added to the count of every character.
    """

    full_weight: int = 30_000
    discount: float = 0.6
    least: float = 0.2
    unseen: float = 0.5


@dataclass(frozen=True, kw_only=True)
class PairModel:
    """Chances of pairs by ids of a character table.

    Attributes:
        pairs: (E,) first id times V plus second id, sorted.
        chances: (E,) of the second after the first, discounted.
        remaining: (V,) share after each first character that is left to the common chances.
        common: (V,) chance of each character anywhere.
        fingerprint: Of the character table.
    """

    pairs: npt.NDArray[np.int32]
    chances: npt.NDArray[np.float32]
    remaining: npt.NDArray[np.float32]
    common: npt.NDArray[np.float32]
    fingerprint: str

    def follows(self, first: Ids, second: Ids) -> Floats:
        """Chance of each second id after each first id; shapes are broadcast.

        An id of -1, a character outside the table, counts as the rarest, the table's last.
        """
        keys = first * len(self.common) + second
        if not len(self.pairs):
            return np.asarray(self.remaining[first] * self.common[second], np.float64)
        places = np.minimum(np.searchsorted(self.pairs, keys), len(self.pairs) - 1)
        seen = np.where(self.pairs[places] == keys, self.chances[places], 0.0)
        return np.asarray(seen + self.remaining[first] * self.common[second], np.float64)

    def save(self, path: Path) -> None:
        """Write the file."""
        tensors: dict[str, npt.NDArray[Any]] = {
            "pairs": self.pairs,
            "chances": self.chances.astype(np.float16),
            "remaining": self.remaining,
            "common": self.common,
        }
        save_file(tensors, path, metadata={"vocabulary": self.fingerprint})

    @classmethod
    def load(cls, path: Path, vocabulary: Vocabulary) -> PairModel:
        """Read the file.

        Raises:
            ModelError: If it is no whole safetensors file or belongs to another character table.
        """
        try:
            with safe_open(path, "np") as stored:
                fingerprint = (stored.metadata() or {}).get("vocabulary", "")
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            made = cls(
                pairs=tensors["pairs"],
                chances=tensors["chances"].astype(np.float32),
                remaining=tensors["remaining"],
                common=tensors["common"],
                fingerprint=fingerprint,
            )
        except (OSError, SafetensorError, KeyError) as error:
            raise ModelError(
                f"{path} holds no pairs of characters ({error}). Make it again with python -m "
                f"training context, or delete it: reading works without."
            ) from error
        if fingerprint != vocabulary.fingerprint or len(made.common) != len(vocabulary):
            raise ModelError(
                f"{path} was made for the character table {fingerprint}, and this one is "
                f"{vocabulary.fingerprint}. Make it again with python -m training context."
            )
        return made


def pairs_of_texts(
    texts: Iterable[Text], vocabulary: Vocabulary, params: PairParams | None = None
) -> PairModel:
    """Count the pairs of texts; a collection is what lies in one folder.

    Raises:
        ModelError: If no character of the texts is in the table.
    """
    params = params or PairParams()
    bodies: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        bodies[PurePosixPath(text.file).parent.as_posix()].append(text.body)
    size = len(vocabulary)
    ids: dict[str, int] = {}
    common = np.full(size, params.unseen)
    keys, counts, totals = [], [], np.zeros(size)
    for collection in bodies.values():
        for character in Counter("".join(collection)):
            found = vocabulary.id_of(character)
            ids[character] = -1 if found is None else found
        # A character outside the table parts what stands before it from what stands after.
        line = np.array([ids[c] if c else -1 for body in collection for c in (*body, "")], np.int64)
        weight = min(1.0, (params.full_weight / max(1, len(line))) ** 0.5)
        common += weight * np.bincount(line[line >= 0], minlength=size)
        first, second = line[:-1], line[1:]
        is_pair = (first >= 0) & (second >= 0)
        pairs, seen = np.unique(first[is_pair] * size + second[is_pair], return_counts=True)
        totals += weight * np.bincount(first[is_pair], minlength=size)
        keys.append(pairs)
        counts.append(weight * (seen - params.discount))
    if not keys or common.sum() <= size * params.unseen:
        raise ModelError(
            "The texts hold no character of the table. Give a folder of Chinese texts "
            "(python -m pipelines.texts --into FOLDER)."
        )
    pairs, place = np.unique(np.concatenate(keys), return_inverse=True)
    weights = np.bincount(place, np.concatenate(counts))
    is_kept = weights >= params.least
    pairs, weights = pairs[is_kept], weights[is_kept]
    chances = weights / totals[pairs // size]
    remaining = 1 - np.bincount(pairs // size, chances, minlength=size)
    return PairModel(
        pairs=pairs.astype(np.int32),
        chances=chances.astype(np.float32),
        remaining=np.maximum(remaining, 1e-4).astype(np.float32),
        common=(common / common.sum()).astype(np.float32),
        fingerprint=vocabulary.fingerprint,
    )


def in_context(model: PairModel, ids: Ids, looks: Floats, weight: float) -> Floats:
    """Chances of the candidates of a column, by their look and by what stands around them.

    The forward-backward algorithm (Rabiner 1989) on the candidates alone.

    Args:
        model: What follows what.
        ids: (N, K) candidates from top to bottom.
        looks: (N, K) chances by the look of each character, above 0.
        weight: Of the context against the look; 0 leaves the look alone.

    Returns:
        (N, K), each row summing to 1.
    """
    look = np.log(looks)
    count = len(ids)
    common = weight * np.log(np.asarray(model.common, np.float64)[ids])
    steps = [
        weight * np.log(model.follows(ids[k, :, None], ids[k + 1, None, :]))
        for k in range(count - 1)
    ]
    before, after = look + common, np.zeros_like(look)
    for k in range(1, count):
        before[k] = look[k] + _summed(before[k - 1][:, None] + steps[k - 1], axis=0)
    for k in range(count - 2, -1, -1):
        after[k] = _summed(steps[k] + (look[k + 1] + after[k + 1])[None], axis=1)
    joint = before + after
    chances = np.exp(joint - joint.max(axis=1, keepdims=True))
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))


def _summed(logs: Floats, axis: int) -> Floats:
    """Logarithm of the sum of what the logarithms stand for."""
    highest = logs.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(logs - highest).sum(axis=axis)) + highest.squeeze(axis))
