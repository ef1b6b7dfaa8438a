"""ArtBN: output statistics are the reference's, and identical inputs stay as they are."""

import pytest
import torch

from training.families.creativesynth.artbn import ArtBNMode, art_bn, statistics


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(2, 3, 64, 8, generator=generator) * 2 - 1
    reference = torch.randn(2, 3, 50, 8, generator=generator) * 0.7 + 3
    return x, reference


def test_the_output_has_the_statistics_of_the_reference(pair):
    x, reference = pair
    made = art_bn(x, reference)
    assert made.shape == x.shape
    for found, wanted in zip(statistics(made), statistics(reference), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_identical_inputs_stay_as_they_are(pair):
    x, _ = pair
    torch.testing.assert_close(art_bn(x, x), x, atol=1e-5, rtol=0)


def test_without_a_reference_it_is_instance_normalization(pair):
    x, reference = pair
    mean, deviation = statistics(art_bn(x, reference, ArtBNMode.INSTANCE))
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-5, rtol=0)
    torch.testing.assert_close(deviation, torch.ones_like(deviation), atol=1e-5, rtol=0)


def test_none_changes_nothing(pair):
    x, reference = pair
    assert art_bn(x, reference, ArtBNMode.NONE) is x


def test_samples_and_channels_do_not_mix(pair):
    x, reference = pair
    other = x.clone()
    other[1], other[0, 0, :, 3] = 7, 9
    made, changed = art_bn(x, reference), art_bn(other, reference)
    untouched = [c for c in range(8) if c != 3]
    assert torch.equal(made[0][:, :, untouched], changed[0][:, :, untouched])


def test_places_count_by_their_weight(pair):
    x, reference = pair
    weight = torch.zeros(2, 3, 64, 1)
    weight[..., :32, :] = 1
    made = art_bn(x, reference, weight=weight)
    for found, wanted in zip(statistics(made[..., :32, :]), statistics(reference), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


def test_a_constant_channel_stays_finite(pair):
    _, reference = pair
    assert torch.isfinite(art_bn(torch.ones(2, 3, 64, 8), reference)).all()


def test_half_precision_keeps_its_type(pair):
    x, reference = pair
    assert art_bn(x.half(), reference.half()).dtype == torch.float16
