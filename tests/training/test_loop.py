"""The loop: budgets, averages, and what happens when a loss breaks."""

import json
import os
import shutil

import pytest
import torch
from torch import nn

from pipelines.errors import ModelError
from training.loop import LoopParams, compile_repeated, fit


def line(model):
    def step(_):
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

    def step(_):
        nonlocal count
        count += 1
        loss = model(torch.ones(1, 1)).sum()
        return (loss * float("nan") if count == 4 else loss), {"error": 1.0}

    with pytest.raises(ModelError, match="nan at step 3"):
        fit(model, step, LoopParams(seconds=60, steps=10))
    assert torch.isfinite(model.weight).all()


def noisy(model, seed=4):
    """A line to learn from noisy points, which are drawn for each slice of each batch."""

    def step(part):
        generator = part.torch_seeded(seed)
        x = torch.randn((part.size(8), 1), generator=generator)
        loss = (model(x) - 3 * x + torch.randn(x.shape, generator=generator)).square().mean()
        return loss, {"error": float(loss.detach())}

    return step


def a_line():
    torch.manual_seed(1)
    return nn.Linear(1, 1)


STEPS = LoopParams(steps=12, warmup_steps=3, keep_every_s=0.0)


def test_a_run_that_was_stopped_ends_with_the_same_bits(tmp_path):
    whole = a_line()
    fit(whole, noisy(whole), STEPS)
    stopped, kept = a_line(), tmp_path / "progress"
    learn = noisy(stopped)

    def killed(part):
        if part.number == 7:
            raise KeyboardInterrupt
        return learn(part)

    with pytest.raises(KeyboardInterrupt):
        fit(stopped, killed, STEPS, kept=kept)
    resumed = a_line()
    asked = []

    def noticed(part):
        asked.append(part.number)
        return noisy(resumed)(part)

    fitted = fit(resumed, noticed, STEPS, kept=kept)
    assert fitted.steps == 12
    assert asked == list(range(7, 12))
    assert torch.equal(resumed.weight, whole.weight)
    assert torch.equal(resumed.bias, whole.bias)


def test_progress_of_another_network_is_refused(tmp_path):
    kept = tmp_path / "progress"
    fit(a_line(), noisy(a_line()), STEPS, kept=kept)
    other = nn.Linear(1, 2)
    with pytest.raises(ModelError, match="network of other sizes"):
        fit(other, noisy(other), STEPS, kept=kept)
    kept.write_bytes(b"no safetensors")
    with pytest.raises(ModelError, match="holds no progress"):
        fit(other, noisy(other), STEPS, kept=kept)


def test_accumulation_averages_the_slices_of_a_batch():
    def step_of(model, parts):
        def step(part):
            x = torch.linspace(-1, 1, 8)[:, None]
            mine = x[part.part * 8 // part.parts :][: part.size(8)]
            loss = (model(mine) - 3 * mine).square().mean()
            return loss, {"error": float(loss.detach())}

        return step

    whole, sliced = a_line(), a_line()
    fit(whole, step_of(whole, 1), STEPS)
    fit(sliced, step_of(sliced, 4), LoopParams(steps=12, warmup_steps=3, accumulate=4))
    assert torch.allclose(whole.weight, sliced.weight, atol=1e-6)


def test_short_memory_halves_the_slices_once_and_then_says_what_to_set():
    model, asked = a_line(), []

    def tight(largest):
        def step(part):
            asked.append((part.number, part.part, part.parts))
            if part.size(8) > largest:
                raise torch.OutOfMemoryError("out of memory")
            return noisy(model)(part)

        return step

    fitted = fit(model, tight(4), LoopParams(steps=2))
    assert fitted.steps == 2
    assert asked == [(0, 0, 1), (0, 0, 2), (0, 1, 2), (1, 0, 2), (1, 1, 2)]
    with pytest.raises(ModelError, match="in 2 slices. Set `accumulate` higher"):
        fit(model, tight(2), LoopParams(steps=2))


def test_a_gradient_that_is_no_number_stops_too():
    model = a_line()

    def step(_):
        loss = (model.weight * 0).sqrt().sum()
        return loss, {"error": 0.0}

    with pytest.raises(ModelError, match="gradient became nan at step 0"):
        fit(model, step, LoopParams(steps=2))
    assert torch.isfinite(model.weight).all()


def test_bfloat16_computes_in_half_and_keeps_whole_weights():
    model, seen = a_line(), []

    def step(part):
        x = torch.linspace(-1, 1, 8)[:, None]
        predicted = model(x)
        seen.append(predicted.dtype)
        loss = (predicted.float() - 3 * x).square().mean()
        return loss, {"error": float(loss.detach())}

    fit(model, step, LoopParams(steps=2, precision="bfloat16"))
    assert seen == [torch.bfloat16] * 2
    assert model.weight.dtype == torch.float32


class Thought(nn.Module):
    """A block that repeats something inside."""

    def __init__(self):
        super().__init__()
        self.own = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])

    def forward(self, x):
        for layer in self.own:
            x = x + nn.functional.gelu(layer(x))
        return x


class Nested(nn.Module):
    """Repeated blocks beside what stands alone."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(2)
        self.enter, self.leave = nn.Linear(1, 4), nn.Linear(4, 1)
        self.blocks = nn.ModuleList([Thought(), Thought()])

    def forward(self, x):
        x = self.enter(x)
        for block in self.blocks:
            x = block(x)
        return self.leave(x)


@pytest.mark.filterwarnings("ignore")  # of the compiler itself
def test_only_outermost_blocks_are_compiled_and_names_stay():
    model = Nested()
    names = list(model.state_dict())
    assert compile_repeated(model) == 2
    assert list(model.state_dict()) == names
    assert model.blocks[0]._compiled_call_impl is not None
    assert model.blocks[0].own[0]._compiled_call_impl is None


def test_without_a_compiler_it_says_what_to_set(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(ModelError, match="no C\\+\\+ compiler here. Install one"):
        fit(Nested(), noisy(a_line()), LoopParams(steps=1, compiles=True))


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which(os.environ.get("CXX", "c++")) is None, reason="no C++ compiler to compile with"
)
@pytest.mark.filterwarnings("ignore")  # of the compiler itself
def test_compiling_changes_no_loss_beyond_rounding():
    losses = {}
    for compiles in (False, True):
        model = Nested()
        fitted = fit(model, noisy(model), LoopParams(steps=4, warmup_steps=1, compiles=compiles))
        losses[compiles] = fitted.parts["error"], model.enter.weight.detach().clone()
    assert losses[True][0] == pytest.approx(losses[False][0], rel=1e-4)
    assert torch.allclose(losses[True][1], losses[False][1], atol=1e-5)
