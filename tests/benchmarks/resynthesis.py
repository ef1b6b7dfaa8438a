"""Whether re-synthesis finds errors that the score does not: the material of ``reading``, aged.

Each reading that heeds the second reader is held against its ink. What is found is added to the
score at several weights; the area under the curve says how well the sum tells wrong characters
from right ones, beside the score alone on the same columns.
"""

from __future__ import annotations

import numpy as np

from assets.demo_material import content_face
from assets.resources import Project
from pipelines.scripts import canonical
from tests.benchmarks.measure import table
from tests.benchmarks.reading import conditions
from training.families.unicalli.library import cached_library
from training.families.unicalli.reading import UniCalliReader
from training.families.unicalli.resynthesis import Resynthesis
from training.families.unicalli.weights import load_bundle
from training.metrics.calibration import area_under_curve
from training.second_reader import HeedingReader, RapidOcrReader

WEIGHTS = (0.0, 0.1, 0.2, 0.5, 1.0)
EVERY = 3
"""Of the columns, one in so many is judged."""
RESAMPLES = 1000
SEED = 3


def bench_resynthesis(project: Project) -> None:
    """One table a hand."""
    bundle = load_bundle(project.settings.checkpoint)
    library = cached_library(
        bundle.vocabulary,
        content_face(project),
        bundle.autoencoder,
        bundle.dims.cell_px,
        project.home / "cache",
    )
    reader = HeedingReader(UniCalliReader(bundle, library), RapidOcrReader())
    check = Resynthesis(bundle, library)
    for name, (columns, truth) in conditions(project):
        if not name.endswith("aged"):
            continue
        columns, truth = columns[::EVERY], truth[::EVERY]
        proposals = reader.read_columns(columns)
        texts = [[p.candidates[0][0] if p.candidates else "" for p in one] for one in proposals]
        misfits = np.concatenate(check.misfits(columns, texts))
        every = [proposal for one in proposals for proposal in one]
        scores = np.array([proposal.score for proposal in every]).clip(1e-3, 1 - 1e-3)
        doubts = np.log((1 - scores) / scores)
        pairs = zip(every, "".join(truth), strict=True)
        is_wrong = np.array([canonical(proposal.text) != wanted for proposal, wanted in pairs])
        owners = np.repeat(np.arange(len(columns)), [len(one) for one in proposals])
        rows = _rows(_standard(doubts), _standard(misfits), is_wrong, owners)
        title = f"{name}: {len(is_wrong)} characters, {is_wrong.mean():.1%} wrong"
        table(title, ("weight of re-synthesis", "area", "gain", "95 % interval"), rows)


def _rows(
    doubts: np.ndarray, misfits: np.ndarray, is_wrong: np.ndarray, owners: np.ndarray
) -> list[tuple[str, ...]]:
    rng = np.random.default_rng(SEED)
    places = [np.flatnonzero(owners == owner) for owner in range(owners.max() + 1)]
    drawn = [
        np.concatenate([places[k] for k in rng.integers(0, len(places), len(places))])
        for _ in range(RESAMPLES)
    ]
    rows = []
    for weight in WEIGHTS:
        both = doubts + weight * misfits
        gains = [
            area_under_curve(both[d], is_wrong[d]) - area_under_curve(doubts[d], is_wrong[d])
            for d in drawn
        ]
        area, alone = area_under_curve(both, is_wrong), area_under_curve(doubts, is_wrong)
        low, high = np.nanquantile(gains, (0.025, 0.975))
        rows.append(
            (f"{weight:g}", f"{area:.3f}", f"{area - alone:+.3f}", f"{low:+.3f} to {high:+.3f}")
        )
    alone = area_under_curve(misfits, is_wrong)
    rows.append(("re-synthesis alone", f"{alone:.3f}", "", ""))
    return rows


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / max(1e-9, float(values.std()))
