"""The losses of single characters follow their networks to any device."""

import pytest
import torch

from tests.training.examples import DIMS, library
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.pretraining import autoencoder_loss
from training.families.unicalli.stages import single_reader, single_writer

META = torch.device("meta")
"""Holds shapes alone and refuses to meet tensors of the CPU: what a GPU would refuse, it does."""


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def test_meta_refuses_what_a_gpu_would_refuse():
    with pytest.raises(RuntimeError, match="device"):
        torch.ones(2, device=META) + torch.ones(2)


def test_single_characters_are_learned_where_the_networks_are(tmp_path, generator):
    references = library(tmp_path, Autoencoder()).to(META)
    latents = torch.randn(3, 4, DIMS.latent_side, DIMS.latent_side, device=META)
    classes = torch.zeros(3, dtype=torch.long, device=META)
    images = torch.randn(3, 1, DIMS.cell_px, DIMS.cell_px, device=META)
    losses = [
        autoencoder_loss(Autoencoder().to(META), images, generator),
        single_reader(DIMS).to(META).loss(latents, classes, references),
        single_writer(DIMS).to(META).loss(
            latents, latents, classes[:, None].expand(-1, 4),
            content_dropout=0.5, style_dropout=0.5, largest_weight=5.0, generator=generator,
        ),
    ]  # fmt: skip
    for loss in losses:
        assert loss.device == META
        assert loss.shape == ()
        loss.backward()
