"""The loop: budgets, averages, and what happens when a loss breaks."""

import json

import pytest
import torch
from torch import nn

from pipelines.errors import ModelError
from training.loop import LoopParams, fit


def line(model):
    def step():
        x = torch.linspace(-1, 1, 16)[:, None]
        loss = (model(x) - 3 * x).square().mean()
        return loss, {"error": float(loss.detach())}

    return step


def test_it_learns_and_stops_after_its_steps(tmp_path):
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    params = LoopParams(
        seconds=60, steps=300, learning_rate=0.05, weight_decay=0.0, average_decay=0.9,
        warmup_steps=5, log_every_s=0.0,
    )  # fmt: skip
    fitted = fit(model, line(model), params, log=tmp_path / "curve.jsonl")
    assert fitted.steps == 300
    assert abs(model.weight.item() - 3) < 0.1
    curve = [json.loads(text) for text in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert curve[-1]["error"] < curve[0]["error"]


def test_it_stops_when_its_seconds_are_spent():
    model = nn.Linear(1, 1)
    fitted = fit(model, line(model), LoopParams(seconds=0.2))
    assert 0.2 <= fitted.seconds < 5


def test_a_loss_that_is_no_number_stops_with_the_step_and_keeps_finite_weights():
    model = nn.Linear(1, 1)
    count = 0

    def step():
        nonlocal count
        count += 1
        loss = model(torch.ones(1, 1)).sum()
        return (loss * float("nan") if count == 4 else loss), {"error": 1.0}

    with pytest.raises(ModelError, match="nan at step 3"):
        fit(model, step, LoopParams(seconds=60, steps=10))
    assert torch.isfinite(model.weight).all()
