"""A run end to end in a few steps: it learns, resumes and mixes in what people approved."""

import json
from dataclasses import replace

import numpy as np
import torch

from pipelines.geometry import Box
from pipelines.imaging.codec import encode_png
from pipelines.records import Origin, Polarity, Sample, SampleCharacter, Script, Split, Work
from tests.training.detector.hands import drawn_hands
from tests.training.examples import drawn_column
from training.detector.crops import CropParams, batches, crop
from training.detector.fitting import train_detector
from training.detector.network import Detector, DetectorDims
from training.detector.objective import loss
from training.detector.pages import TrainingPage
from training.detector.reviewed import pages_from_samples
from training.recipes.detector import debug

WORK = Work(
    work_id="w", title="drawn", calligrapher="nobody", script=Script.REGULAR,
    rights="CC0-1.0", source="test",
)  # fmt: skip


def sample(store, count=4, split=Split.TRAIN):
    ink = drawn_column(count)
    boxes = [Box(8, 48 * i + 4, 48 - i, 48 * i + 44 - 2 * i) for i in range(count)]
    return Sample(
        sample_id="s", column_id="c", page_id="p", work=WORK, split=split,
        origin=Origin.REVIEW, ink_key=store.put(encode_png(ink), ".png"),
        polarity=Polarity.DARK_ON_LIGHT,
        characters=tuple(
            SampleCharacter(box=b, written="一", canonical="一", is_damaged=False) for b in boxes
        ),
        prompt="", review_id="r", code_version="v",
    )  # fmt: skip


def test_approved_columns_become_training_pages(store):
    made = list(pages_from_samples([sample(store)], store))
    assert len(made) == 2
    for page in made:
        assert len(page.boxes) == 4
        left, top, right, bottom = page.boxes[2]
        assert (
            page.ink[round(top) + 1 : round(bottom) - 1, round(left) + 1 : round(right) - 1].min()
            > 200
        )
        assert page.ink[round(bottom) + 2 : round(page.boxes[3][1]) - 2].max(initial=0) < 50


def test_crops_keep_boxes_on_their_ink(rng):
    ink = np.zeros((400, 300), np.uint8)
    ink[100:140, 60:90] = 255
    page = TrainingPage(
        ink=ink,
        boxes=np.array([[60, 100, 90, 140]], np.float32),
        unsure=np.zeros((0, 4), np.float32),
    )
    hits = 0
    for _ in range(40):
        made = crop(page, 160, rng)
        assert made.ink.shape == (160, 160)
        places = np.argwhere(made.answer.heat == 1)
        for row, column in places:
            assert made.ink[4 * row + 2, 4 * column + 2] > 0
            hits += 1
    assert hits > 10


def test_batches_follow_the_seed():
    params = CropParams(side_px=96, crops_at_once=2, shuffled=4, workers=0)
    first, second = (next(batches(drawn_hands(), [], params, 5)) for _ in range(2))
    assert first[0].shape == (2, 1, 96, 96)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_run_leaves_a_curve_and_is_taken_up_again(store, tmp_path):
    recipe = debug()
    given = [list(pages_from_samples([sample(store)], store))]
    model, fitted = train_detector(recipe, drawn_hands(), drawn_hands()[:1], given, tmp_path)
    assert fitted.steps == recipe.loop.steps
    assert not model.training
    curve = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert {"loss", "middle", "edge", "f1"} <= set(curve[-1])
    (tmp_path / "curve.jsonl").write_text(json.dumps({**curve[-1], "seconds": 599}) + "\n")
    late = replace(recipe, loop=replace(recipe.loop, seconds=599.0))
    _, again = train_detector(late, drawn_hands(), drawn_hands()[:1], [], tmp_path)
    assert again.steps == 0, "the budget was spent by the first run"


def test_one_batch_is_learned_by_heart():
    torch.manual_seed(0)
    params = CropParams(side_px=96, crops_at_once=2, shuffled=4, workers=0)
    ink, *truth = next(batches(drawn_hands()[:1], [], params, 2))
    model = Detector(DetectorDims(widths=(8, 8, 16, 16, 16), deep=16, head=16))
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(60):
        total, _ = loss(model(ink.float() / 255), *truth)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        losses.append(float(total.detach()))
    assert losses[-1] < 0.4 * losses[0]
