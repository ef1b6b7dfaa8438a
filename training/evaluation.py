"""Readers side by side on the same approved crops.

Holds: ``evaluate_samples``: character accuracy and corrections per 100 characters of each
reader, with 95 % bootstrap intervals over columns.

Keeps out: whether a model may be released on these figures (the graph decides).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from pipelines.corrections import corrections_per_100
from pipelines.imaging.codec import decode_png
from pipelines.records import ILLEGIBLE, Evaluation, Reader, Sample
from pipelines.store import Store
from training.metrics.recognition import accuracy
from training.roles import ColumnInk, Recogniser


def evaluate_samples(
    samples: Sequence[Sample],
    store: Store,
    readers: Mapping[Reader, Recogniser],
    model_id: str,
    seed: int = 0,
) -> Iterator[Evaluation]:
    """Figures of every reader on the same columns.

    Characters that nobody could read (□) are left out on both sides.

    Args:
        samples: The frozen split.
        store: Holds their ink.
        readers: By name.
        model_id: Goes into every row.
        seed: Of the bootstrap.
    """
    inks = [
        ColumnInk(decode_png(store.get(sample.ink_key)), tuple(c.box for c in sample.characters))
        for sample in samples
    ]
    ids = "\n".join(sorted(sample.sample_id for sample in samples))
    split = hashlib.sha256(ids.encode()).hexdigest()[:16]
    for name, reader in readers.items():
        pairs: list[tuple[str, str]] = []
        is_right: list[bool] = []
        groups: list[str] = []
        for sample, proposals in zip(samples, reader.read_columns(inks), strict=True):
            kept = [
                (proposal.text or ILLEGIBLE, character.canonical)
                for character, proposal in zip(sample.characters, proposals, strict=True)
                if character.canonical != ILLEGIBLE
            ]
            if not kept:
                continue
            pairs.append(("".join(a for a, _ in kept), "".join(b for _, b in kept)))
            is_right += [read == approved for read, approved in kept]
            groups += [sample.column_id] * len(kept)
        share = accuracy(is_right, groups, np.random.default_rng(seed))
        rate = corrections_per_100(pairs, rng=np.random.default_rng(seed))
        for metric, value, low, high in (
            ("accuracy", share.value, share.low, share.high),
            ("corrections_per_100", rate.per_100, rate.low, rate.high),
        ):
            yield Evaluation(
                model_id=model_id,
                reader=name,
                split_fingerprint=split,
                metric=metric,
                value=value,
                low=low,
                high=high,
                character_count=share.count,
            )
