"""What the model is trained for."""

import dataclasses

import pytest
import torch

from tests.training.examples import CHARACTERS, DIMS, bundle, library, vocabulary
from training.families.unicalli.conditioning import encode_columns, library_rows, style_ids
from training.families.unicalli.objective import PAPER, TINY, column_loss


@pytest.fixture
def made(tmp_path):
    whole = bundle()
    return whole, library(tmp_path, whole.autoencoder)


def batch_of(whole, references, ids, is_labelled=None):
    count = len(ids)
    return encode_columns(
        torch.rand(count, 1, 240, 48, generator=torch.Generator().manual_seed(0)) * 2 - 1,
        torch.ones(count, 1, 240, 48),
        torch.tensor(ids),
        style_ids(["synthetic, ma shan zheng"] * count, DIMS.style_words, DIMS.style_tokens),
        torch.ones(count, dtype=torch.bool) if is_labelled is None else torch.tensor(is_labelled),
        whole.autoencoder,
        references,
        library_rows(vocabulary(), references),
    )


def test_the_papers_numbers_are_the_default():
    assert (PAPER.side_weight, PAPER.content_dropout) == (0.02, 0.05)
    assert PAPER.retrieval_weight == 0
    assert TINY.retrieval_weight > 0


def test_content_is_the_references_cell_by_cell(made):
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, -1, -1]])
    side = DIMS.latent_side
    for cell, row in enumerate([0, 1, 2, len(CHARACTERS), len(CHARACTERS)]):
        part = batch.content[0, :, cell * side : (cell + 1) * side]
        assert torch.equal(part, references.latents[row])


@pytest.mark.parametrize("mode", ["read", "write"])
def test_a_step_has_the_parts_of_its_mode(made, mode):
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4], [4, 3, 2, 1, -1]])
    params = dataclasses.replace(TINY, boxes_absent_share=0.0)
    loss, parts = column_loss(
        whole.model, batch, references, params, mode, torch.Generator().manual_seed(0)
    )
    assert torch.isfinite(loss)
    expected = {f"{mode}_{name}" for name in ("image", "content", "boxes")}
    assert set(parts) == expected | ({"read_retrieval"} if mode == "read" else set())


def test_the_side_stream_counts_by_lambda(made):
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4]])
    loss, parts = column_loss(
        whole.model, batch, references, PAPER, "write", torch.Generator().manual_seed(3)
    )
    expected = parts["write_image"] + parts["write_boxes"] + 0.02 * parts["write_content"]
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_columns_without_a_label_teach_no_content(made):
    whole, references = made
    batch = batch_of(whole, references, [[0, 1, 2, 3, 4]] * 2, is_labelled=[False, False])
    _, parts = column_loss(
        whole.model, batch, references, TINY, "read", torch.Generator().manual_seed(0)
    )
    assert parts["read_content"] == 0
    assert parts["read_retrieval"] == 0


def test_style_words_are_stable_and_padded():
    first = style_ids(["real, dark on light, yan zhenqing"], 4096, 8)
    again = style_ids(["real, dark on light, yan zhenqing", ""], 4096, 8)
    assert torch.equal(first[0], again[0])
    assert (again[1] == 0).all()
    assert (first[0, :6] > 0).all()
    assert (first[0, 6:] == 0).all()
