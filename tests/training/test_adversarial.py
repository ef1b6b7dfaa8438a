"""Hinge losses, balanced gradients and the schedule, as arithmetic."""

import pytest
import torch

from training.processes.adversarial import (
    balanced_gradient,
    hinge_fooled,
    hinge_real_and_fake,
    takes_part,
)


def test_hinge_pays_only_within_the_margin():
    sure = hinge_real_and_fake(torch.tensor([2.0, 1.0]), torch.tensor([-1.0, -3.0]))
    assert sure.item() == 0
    assert hinge_real_and_fake(torch.tensor([0.5]), torch.tensor([0.0])).item() == 1.5
    assert hinge_fooled(torch.tensor([2.0, 4.0])).item() == -3


def test_an_auxiliary_gradient_is_scaled_to_its_share_of_the_adversarial_one():
    made = torch.randn(64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    adversarial = (made * torch.linspace(-1, 1, 64)).sum()
    huge = 1e6 * made.square().sum()
    total, scales = balanced_gradient(made, adversarial, {"huge": huge}, {"huge": 0.7})
    (own,) = torch.autograd.grad(adversarial, made)
    added = total - own
    assert added.std().item() == pytest.approx(0.7 * own.std().item(), rel=1e-4)
    cosine = torch.nn.functional.cosine_similarity(added, made.detach(), dim=0)
    assert cosine.item() == pytest.approx(1.0, abs=1e-4)
    assert scales["huge"] < 1e-5


def test_each_loss_is_counted_once_on_one_way_back():
    weight = torch.tensor([2.0, -1.0, 0.5], requires_grad=True)
    made = weight * torch.tensor([1.0, 2.0, 3.0])
    adversarial, other = made.sum() * 0.5 + made[0], (made**2).sum()
    total, scales = balanced_gradient(made, adversarial, {"other": other}, {"other": 1.0})
    made.backward(total)
    whole = torch.tensor([1.5, 0.5, 0.5]) + scales["other"] * 2 * made.detach()
    assert torch.allclose(weight.grad, whole * torch.tensor([1.0, 2.0, 3.0]), atol=1e-5)


def test_a_gradient_of_nothing_adds_nothing():
    made = torch.ones(4, requires_grad=True)
    total, _ = balanced_gradient(
        made, (made * torch.arange(4)).sum(), {"none": (made * 0).sum()}, {"none": 1.0}
    )
    assert torch.equal(total, torch.arange(4.0))


def test_a_loss_that_is_no_number_is_named_instead_of_zeroed():
    made = torch.zeros(3, requires_grad=True)
    broken = (made * float("nan")).sum()
    with pytest.raises(FloatingPointError, match="misread loss became nan"):
        balanced_gradient(made, made.sum(), {"misread": broken}, {"misread": 0.7})
    endless = made.sqrt().sum()
    with pytest.raises(FloatingPointError, match="adversarial loss became 0.0, or its gradient"):
        balanced_gradient(made, endless, {}, {})


def test_the_generator_learns_in_every_second_iteration_and_judges_in_each():
    assert [takes_part(i, 2) for i in range(5)] == [False, True, False, True, False]
    assert all(takes_part(i, 1) for i in range(3))
