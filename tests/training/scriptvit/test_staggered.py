"""Training in turns: who learns when, who is left alone, and what happens when a loss breaks."""

import json

import pytest
import torch
from torch import nn

from pipelines.errors import ModelError
from tests.training.scriptvit.examples import adversary
from training.families.scriptvit.adversary import AdversaryParams
from training.families.scriptvit.stages import players_of
from training.families.scriptvit.staggered import Player, StaggeredParams, play
from training.slices import Slice


def values(network):
    return [parameter.detach().clone() for parameter in network.parameters()]


def moved(network, before):
    return any(not torch.equal(p, b) for p, b in zip(network.parameters(), before, strict=True))


def parts(game):
    own = game.networks
    return {
        "encoder": own.encoder, "generator": own.generator, "reader": own.reader,
        "discriminator": own.discriminator, "writers": own.writers,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["discriminator", "reader", "writers", "generator"])
def test_an_update_leaves_gradients_in_its_own_network_alone(name):
    game = adversary()
    losses = getattr(game, name)(Slice(number=1))
    assert all(torch.isfinite(torch.tensor(value)) for value in losses.values())
    touched = {
        other
        for other, network in parts(game).items()
        if any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    }
    assert touched == {name}


def test_the_style_encoder_learns_with_the_generator_where_the_recipe_says_so():
    game = adversary(AdversaryParams(pictures_at_once=4, set_sizes=(2,), encoder_learns=True))
    game.generator(Slice(number=1))
    assert all(p.grad is not None for p in game.networks.encoder.patches.parameters())
    assert set(game.networks.encoder.parameters()) <= set(game.generator_parameters())


def test_the_generator_moves_in_every_second_iteration_only():
    game = adversary()
    params = StaggeredParams(iterations=1, average_decay=0.0)
    before = {name: values(network) for name, network in parts(game).items()}
    play(players_of(game, params), params)
    after_one = {name for name, network in parts(game).items() if moved(network, before[name])}
    assert after_one == {"discriminator", "reader", "writers"}
    game = adversary()
    params = StaggeredParams(iterations=2, average_decay=0.0)
    play(players_of(game, params), params)
    after_two = {name for name, network in parts(game).items() if moved(network, before[name])}
    assert after_two == {"discriminator", "reader", "writers", "generator"}


def test_all_players_of_an_iteration_see_the_same_batch_and_references_show_other_texts():
    game = adversary()
    batch = game.batch(Slice(number=3))
    assert game.batch(Slice(number=3)) is batch
    assert torch.equal(adversary().batch(Slice(number=3)).real, batch.real)
    same = (batch.references == batch.real[:, None]).flatten(2).all(dim=-1)
    assert not same.any()


def a_player(update, *, parameter=None, every=1, averaged=False):
    parameter = nn.Parameter(torch.ones(2)) if parameter is None else parameter

    def told(part):
        loss = update(part, parameter)
        loss.backward()
        return {"loss": float(loss.detach())}

    return Player(
        name="writer", parameters=[parameter], update=told, every=every, learning_rate=0.1,
        is_averaged=averaged,
    )  # fmt: skip


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_what_is_no_number_stops_the_run_before_the_update_and_keeps_the_average(what):
    kept = []

    def update(part, parameter):
        if part.number < 3:
            return parameter.square().sum()
        if what == "loss":
            return parameter.sum() * float("nan")
        return (parameter * 0).sqrt().sum()

    player = a_player(update, averaged=True)
    with pytest.raises(ModelError, match=f"The {what} became .*nan.* at iteration 3, in the upd"):
        play(
            [player],
            StaggeredParams(iterations=9, average_decay=0.5),
            keep=lambda: kept.append(player.parameters[0].detach().clone()),
        )
    (weights,) = player.parameters
    assert torch.isfinite(weights).all()
    assert torch.equal(kept[-1], weights)
    # An average of the first steps, not the last of them.
    assert weights[0] > 1 - 3 * 0.1 + 0.01


def test_it_logs_lines_and_stops_after_its_iterations(tmp_path):
    player = a_player(lambda _, parameter: parameter.square().sum(), every=2)
    log = tmp_path / "curve.jsonl"
    fitted = play([player], StaggeredParams(iterations=6, log_every_s=-1), log=log)
    lines = [json.loads(text) for text in log.read_text().splitlines()]
    assert fitted.steps == 6
    assert lines[-1]["stage"] == "writing"
    assert lines[-1]["loss"] < lines[1]["loss"]


def test_it_stops_when_its_seconds_are_spent():
    player = a_player(lambda _, parameter: parameter.square().sum())
    assert play([player], StaggeredParams(seconds=0.1)).seconds < 5


def test_a_game_of_some_iterations_stays_finite_and_tells_all_losses():
    game = adversary()
    fitted = play(players_of(game, StaggeredParams()), StaggeredParams(iterations=6))
    assert set(fitted.parts) == {
        "discriminator", "reader", "writers", "found_out", "misread", "mistaken", "shape",
    }  # fmt: skip
