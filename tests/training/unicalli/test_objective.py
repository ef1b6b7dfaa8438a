"""What the model is trained for."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.examples import CHARACTERS, DIMS, bundle, library, vocabulary
from training.columns import EMPTY_CELL, UNKNOWN_CELL
from training.families.unicalli.conditioning import encode_columns, library_rows
from training.families.unicalli.learning_to_locate import with_finder
from training.families.unicalli.objective import (
    PAPER,
    RELEASED,
    TINY,
    _times,
    column_loss,
    mode_of,
    retrieval_loss,
)
from training.style_words import style_ids


@pytest.fixture
def made(tmp_path):
    whole = with_finder(bundle(), 8, seed=0)
    return whole, library(tmp_path, whole.autoencoder)


def batch_of(whole, references, ids):
    count = len(ids)
    return encode_columns(
        torch.rand(count, 1, 240, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1,
        torch.ones(count, 1, 240, 48),
        torch.tensor(ids),
        style_ids(["synthetic, ma shan zheng"] * count, DIMS.style_words, DIMS.style_tokens),
        whole.autoencoder,
        references,
        library_rows(vocabulary(), references),
    )


# What the paper says (sections 3.1 to 3.4) and what the published training code does.
PRESETS = {
    "side_weight": (0.02, 0.01),
    "reading_side_weight": (0.02, 0.01),
    "reading_flow_weight": (1.0, 0.2),
    "content_dropout": (0.05, 0.02),
    "dropped_time": (1.0, 0.9),
    "time_law": ("uniform", "logit_normal"),
    "is_alternating": (False, True),
    "has_boxes": (True, False),
}


def test_the_presets_differ_as_the_paper_and_the_released_code_do():
    differing = {
        field.name: (getattr(PAPER, field.name), getattr(RELEASED, field.name))
        for field in dataclasses.fields(PAPER)
        if getattr(PAPER, field.name) != getattr(RELEASED, field.name)
    }
    assert differing == PRESETS


def test_neither_preset_has_what_is_ours():
    ours = ("retrieval_weight", "full_noise_share", "given_share", "boxes_absent_share")
    assert all(getattr(preset, name) == 0 for preset in (PAPER, RELEASED) for name in ours)
    assert PAPER.largest_weight == pytest.approx(400), "no bound above the smallest time"
    assert all(getattr(TINY, name) > 0 for name in ours)


def test_steps_take_turns_or_are_drawn():
    turns = [mode_of(RELEASED, step, seed=0) for step in range(4)]
    assert turns == ["write", "read", "write", "read"]
    drawn = [mode_of(PAPER, step, seed=0) for step in range(200)]
    assert 70 < drawn.count("read") < 130


def test_locating_takes_its_share_from_writing():
    params = dataclasses.replace(TINY, read_share=0.5, locate_share=0.3)
    drawn = [mode_of(params, step, seed=0) for step in range(300)]
    reading = dataclasses.replace(params, locate_share=0.0)
    for mode, without in zip(drawn, (mode_of(reading, k, seed=0) for k in range(300)), strict=True):
        assert mode == without or (mode, without) == ("locate", "write")
    assert 60 < drawn.count("locate") < 120
    assert all(preset.locate_share == 0 for preset in (PAPER, RELEASED))


def test_locating_has_a_time_of_its_own_for_each_stream(made, monkeypatch):
    """The image is clean; content and map are noised apart, together only where all is noise."""
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4]] * 12)
    params = dataclasses.replace(TINY, full_noise_share=0.5, given_share=0.0)
    seen = []
    original = whole.model.locate

    def watched(streams, text, times):
        seen.append(times)
        assert torch.equal(streams.image, batch.image)
        return original(streams, text, times)

    monkeypatch.setattr(whole.model, "locate", watched)
    monkeypatch.setattr(whole.model.brush, "forward", lambda *_: pytest.fail("drawn"))
    column_loss(whole.model, batch, references, params, "locate", torch.Generator().manual_seed(0))
    (times,) = seen
    assert not times.image.any()
    is_full = (times.content[:, 0] == 1) & (times.boxes[:, 0] == 1)
    assert 0 < is_full.sum() < 12
    assert (times.content[~is_full, 0] != times.boxes[~is_full, 0]).all()


def test_content_is_the_references_cell_by_cell(made):
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, -1, -1]])
    side = DIMS.latent_side
    for cell, row in enumerate([0, 1, 2, len(CHARACTERS), len(CHARACTERS)]):
        part = batch.content[0, :, cell * side : (cell + 1) * side]
        assert torch.equal(part, references.latents[row])


@pytest.mark.parametrize("mode", ["read", "write", "locate"])
def test_a_step_has_the_parts_of_its_mode(made, mode):
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4], [4, 3, 2, 1, -1]])
    params = dataclasses.replace(TINY, boxes_absent_share=0.0, reading_side_weight=0.01)
    loss, parts = column_loss(
        whole.model, batch, references, params, mode, torch.Generator().manual_seed(0)
    )
    assert torch.isfinite(loss)
    expected = {f"{mode}_{name}" for name in ("image", "content", "boxes")}
    if mode != "write":
        expected.add(f"{mode}_retrieval")
    # The image is given whole in locating, and nobody needs the brush.
    assert set(parts) == expected - {"locate_image"}


def test_the_side_stream_counts_by_lambda(made):
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4]])
    loss, parts = column_loss(
        whole.model, batch, references, PAPER, "write", torch.Generator().manual_seed(3)
    )
    expected = parts["write_image"] + parts["write_boxes"] + 0.02 * parts["write_content"]
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_without_a_side_weight_reading_draws_nothing(made, monkeypatch):
    whole, references = made
    monkeypatch.setattr(whole.model.brush, "forward", lambda *_: pytest.fail("drawn"))
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4]])
    _, parts = column_loss(
        whole.model, batch, references, TINY, "read", torch.Generator().manual_seed(0)
    )
    assert set(parts) == {"read_content", "read_retrieval"}


@pytest.mark.parametrize("mode", ["read", "write", "locate"])
def test_given_cells_are_not_asked_for(made, mode):
    """With every cell of what is asked for given or open by chance, the loss stays finite."""
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4]] * 8)
    always = dataclasses.replace(TINY, given_share=1.0, full_noise_share=1.0)
    never = dataclasses.replace(always, given_share=0.0)
    some, all_ = (
        column_loss(whole.model, batch, references, params, mode, torch.Generator().manual_seed(1))[
            0
        ]
        for params in (always, never)
    )
    assert torch.isfinite(some)
    assert some != all_


def test_columns_without_a_label_teach_no_content(made):
    whole, references = made
    batch = batch_of(whole, references, [[UNKNOWN_CELL] * 5] * 2)
    _, parts = column_loss(
        whole.model, batch, references, TINY, "read", torch.Generator().manual_seed(0)
    )
    assert parts["read_content"] == 0
    assert parts["read_retrieval"] == 0


def test_what_is_unknown_is_no_empty_cell(made):
    """The label of a cell that nobody has named is never asked for; that of an empty one is."""
    whole, references = made
    known = batch_of(whole, references, [[0, 1, 2, 3, EMPTY_CELL]] * 2)
    unknown = batch_of(whole, references, [[0, 1, 2, 3, UNKNOWN_CELL]] * 2)
    assert known.is_labelled.all()
    assert unknown.is_labelled.tolist() == [[True] * 4 + [False]] * 2
    others = replace(unknown, references=unknown.references.clone())
    others.references[:, 4] = 0
    times = torch.ones(2, 5)
    empty, first, second = (
        retrieval_loss(whole.model, batch.content, batch, times, references).item()
        for batch in (known, unknown, others)
    )
    assert first == second != empty


@pytest.mark.parametrize("mode", ["read", "write", "locate"])
def test_content_that_nobody_knows_is_noise(made, mode):
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, UNKNOWN_CELL]] * 8)
    always = replace(TINY, given_share=1.0, full_noise_share=0.0, content_dropout=0.0)
    times = _times(batch, always, mode, torch.Generator().manual_seed(0))
    assert (times.content[:, 4] == 1).all()
    assert (times.content[:, :4] < 1).any()


def test_style_words_are_stable_and_padded():
    first = style_ids(["real, dark on light, yan zhenqing"], 4096, 8)
    again = style_ids(["real, dark on light, yan zhenqing", ""], 4096, 8)
    assert torch.equal(first[0], again[0])
    assert (again[1] == 0).all()
    assert (first[0, :6] > 0).all()
    assert (first[0, 6:] == 0).all()


def test_recomputing_activations_changes_no_gradient(made):
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4], [4, 3, 2, 1, -1]])
    for parameter in whole.model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    found = []
    for recomputes in (False, True):
        whole.model.train().zero_grad()
        whole.model.recomputes = recomputes
        generator = torch.Generator().manual_seed(2)
        loss, _ = column_loss(whole.model, batch, references, PAPER, "write", generator)
        loss.backward()
        found.append(
            (
                loss.item(),
                [p.grad.clone() for p in whole.model.blocks.parameters() if p.grad is not None],
            )
        )
    assert found[0][0] == found[1][0]
    assert all(torch.equal(a, b) for a, b in zip(found[0][1], found[1][1], strict=True))


GOLDEN = Path(__file__).with_name("golden_losses.json")


def test_losses_are_those_that_were_written_down(made):
    """Whoever changes the objective on purpose writes them anew: delete the file, run twice."""
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4], [4, 3, 2, 1, -1]])
    found = {
        f"{name}.{mode}": column_loss(
            whole.model, batch, references, preset, mode, torch.Generator().manual_seed(7)
        )[0].item()
        for name, preset in (("paper", PAPER), ("released", RELEASED), ("tiny", TINY))
        for mode in ("read", "write")
    }
    if not GOLDEN.is_file():
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        pytest.fail(f"{GOLDEN.name} was written; look at it, keep it, and run again")
    assert found == pytest.approx(json.loads(GOLDEN.read_text(encoding="utf-8")), rel=1e-3)
