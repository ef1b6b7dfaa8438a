"""Both modes: one call, the same time and noise, and a loss of three parts; one can be learned."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pipelines.errors import ModelError
from tests.training.calliffusion.examples import (
    CHARACTERS,
    DIMS,
    PROMPTS,
    bundle,
    face,
    material,
    model,
    standard,
)  # fmt: skip
from training.families.calliffusion.learning import learn_from_nothing, step_of
from training.families.calliffusion.material import DrawParams, draw
from training.families.calliffusion.network import Calliffusion
from training.families.calliffusion.objective import (
    ObjectiveParams,
    dual_loss,
    schedule_of,
    target_of,
)  # fmt: skip
from training.families.calliffusion.sampling import SamplingParams
from training.families.calliffusion.skeletons import skeleton
from training.families.calliffusion.writing import CalliffusionWriter, WritingParams
from training.loop import LoopParams, fit
from training.metrics.pictures import l1
from training.recipes.calliffusion import debug
from training.slices import Slice

RECIPE = replace(debug(), dims=DIMS)


def batch(folder, size=6, params=None, number=0):
    part = Slice(number=number)
    return draw(material(folder), part, size, PROMPTS, params or DrawParams(), seed=0)


def test_both_modes_differ_only_in_what_says_the_character(tmp_path):
    drawn = batch(tmp_path)
    assert torch.equal(drawn.pro.prompt, drawn.base.prompt)
    assert drawn.pro.pictures.flatten(1).any(dim=1).all()
    assert not drawn.pro.index.any()
    assert not drawn.base.pictures.any()
    assert not drawn.base.kinds.any()
    assert (drawn.base.index > 0).all()


def test_one_call_with_the_same_time_and_noise_for_both(tmp_path):
    """What the network is given is watched: two equal halves but for the condition."""
    network, calls = model(), []
    network.register_forward_pre_hook(lambda _, given: calls.append(given))
    drawn = batch(tmp_path)
    dual_loss(network, schedule_of(DIMS), drawn, ObjectiveParams(), torch.Generator())
    ((noised, times, told),) = calls
    assert torch.equal(*noised.chunk(2))
    assert torch.equal(*times.chunk(2))
    assert torch.equal(*told.prompt.chunk(2))
    assert torch.equal(told.pictures[:6], drawn.pro.pictures)
    assert torch.equal(told.index[6:], drawn.base.index)


@pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction"])
def test_the_loss_is_what_the_paper_writes(tmp_path, prediction):
    dims = replace(DIMS, prediction=prediction)
    network, schedule, drawn = model(), schedule_of(dims), batch(tmp_path)
    loss, parts = dual_loss(
        network, schedule, drawn, ObjectiveParams(agreement=0.7), torch.Generator().manual_seed(5)
    )
    generator = torch.Generator().manual_seed(5)
    times = torch.randint(0, 1000, (6,), generator=generator)
    noise = torch.randn(drawn.inks.shape, generator=generator)
    share = schedule.alphas_cumprod[times][:, None, None, None]
    noised = share.sqrt() * drawn.inks + (1 - share).sqrt() * noise
    target = {
        "epsilon": noise,
        "sample": drawn.inks,
        "v_prediction": share.sqrt() * noise - (1 - share).sqrt() * drawn.inks,
    }[prediction]
    assert torch.allclose(target_of(schedule, drawn.inks, noise, times), target, atol=1e-5)
    with torch.no_grad():
        pro, base = network(noised, times, drawn.pro), network(noised, times, drawn.base)
    by_hand = F.mse_loss(pro, target) + F.mse_loss(base, target) + 0.7 * F.mse_loss(pro, base)
    assert torch.allclose(loss, by_hand, rtol=1e-4)
    assert parts["agreement"] == pytest.approx(float(F.mse_loss(pro, base)), rel=1e-3)


def test_batches_are_functions_of_their_number_and_hands_come_evenly(tmp_path):
    made = material(tmp_path)
    first, again, other = (
        draw(made, Slice(number=n), 40, PROMPTS, DrawParams(), 0) for n in (3, 3, 4)
    )
    assert torch.equal(first.inks, again.inks)
    assert torch.equal(first.pro.prompt, again.pro.prompt)
    assert not torch.equal(first.inks, other.inks)
    whole = draw(made, Slice(number=0), 400, PROMPTS, DrawParams(part_dropout=0.0), 0)
    is_dropped = ~whole.pro.prompt.any(dim=1)
    assert 0.04 < is_dropped.float().mean() < 0.18
    hands = {tuple(row.tolist()) for row in whole.pro.prompt[~is_dropped]}
    assert len(hands) == 2
    is_own = (whole.pro.kinds == 2).float().mean()
    assert 0.4 < is_own < 0.6


def test_a_character_without_an_index_keeps_its_picture_in_both_modes(tmp_path):
    made = material(tmp_path)
    made = replace(made, index=np.zeros_like(made.index))
    drawn = draw(made, Slice(number=0), 4, PROMPTS, DrawParams(), 0)
    assert torch.equal(drawn.pro.pictures, drawn.base.pictures)
    assert torch.equal(drawn.pro.kinds, drawn.base.kinds)


def test_a_skeleton_goes_with_its_ink(tmp_path):
    made = material(tmp_path)
    for ink, own in zip(made.inks, made.own, strict=True):
        assert np.array_equal(skeleton(ink), own)
    assert len(made) == 2 * len(CHARACTERS)


@pytest.mark.slow
def test_one_character_is_learned_by_heart_and_written_in_both_modes(tmp_path):
    made = material(tmp_path)
    one = replace(
        made, inks=made.inks[:1], own=made.own[:1], standard=made.standard[:1],
        index=made.index[:1], hands=made.hands[:1],
    )  # fmt: skip
    torch.manual_seed(0)
    dims = replace(DIMS, prediction="sample")  # sees the ink in fewer steps
    network = Calliffusion(dims)
    plain = DrawParams(own_share=0.0, prompt_dropout=0.0, part_dropout=0.0)
    step = step_of(
        network,
        lambda part: draw(one, part, 8, PROMPTS, plain, 0),
        replace(RECIPE, dims=dims),
        torch.device("cpu"),
    )
    loop = LoopParams(steps=120, learning_rate=5e-3, warmup_steps=5, average_decay=0.9)
    assert fit(network, step, loop).parts["pro"] < 0.1
    ready = replace(bundle(), model=network.eval())
    for mode in ("pro", "base"):
        params = WritingParams(mode=mode, sampling=SamplingParams(steps=10, guidance=1.0))
        written = CalliffusionWriter(ready, face(tmp_path), params).write_column(
            CHARACTERS[0], made.prompts[0]
        )
        assert l1(written.ink, one.inks[0]) < 0.08, mode


def test_a_number_that_is_none_stops_the_run(tmp_path):
    made = material(tmp_path)
    broken = replace(made, inks=made.inks.astype(np.float32) * np.nan)
    with pytest.raises(ModelError, match="became nan at step 0"):
        learn_from_nothing(RECIPE, broken, standard(tmp_path), PROMPTS, tmp_path / "curve.jsonl")


def test_a_run_that_was_stopped_ends_with_the_same_bits(tmp_path):
    made, given = material(tmp_path), standard(tmp_path)
    loop = LoopParams(steps=4, warmup_steps=1, learning_rate=1e-3, log_every_s=0.0)

    def run(steps, kept):
        recipe = replace(RECIPE, loop=replace(loop, steps=steps))
        log = tmp_path / "curve.jsonl"
        return learn_from_nothing(recipe, made, given, PROMPTS, log, kept).model.state_dict()

    flat = replace(loop, floor=1.0)
    loop = flat  # a rate that does not know how long the run will be
    whole = run(4, tmp_path / "whole")
    run(2, tmp_path / "parts")
    after = run(4, tmp_path / "parts")
    assert all(torch.equal(whole[name], after[name]) for name in whole)
