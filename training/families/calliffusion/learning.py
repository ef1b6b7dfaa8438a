"""A model from nothing, or from a finished one that goes on: one stage, all hands together.

Holds: ``learn_from_nothing``. Progress is kept, so that a run that was stopped goes on.

Keeps out: adapting to a new hand (``adapting``), fonts and files of the user (``training.hands``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from training.families.calliffusion.conditioning import Prompts, as_pictures
from training.families.calliffusion.material import Batch, Ink, Material, draw
from training.families.calliffusion.network import Calliffusion, Condition
from training.families.calliffusion.objective import dual_loss, schedule_of
from training.families.calliffusion.recipe import CalliffusionRecipe
from training.loop import Fitted, Step, fit
from training.slices import Slice, ahead

CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A network and what its training came to."""

    model: Calliffusion
    fitted: Fitted


def learn_from_nothing(
    recipe: CalliffusionRecipe,
    material: Material,
    standard: Ink,
    prompts: Prompts,
    log: Path,
    kept: Path | None = None,
    device: torch.device = CPU,
    parent: Calliffusion | None = None,
) -> Learned:
    """Train both modes on all hands.

    Args:
        recipe: Every number of the run.
        material: Characters to learn from.
        standard: (V, S, S) skeletons of the index table's characters in the standard font.
        prompts: Encodes prompts.
        log: Gets one line of losses now and then.
        kept: Where progress is kept.
        device: Where it is trained; the network comes back on the CPU.
        parent: A finished model of the same dimensions that goes on learning; not changed.
    """
    torch.manual_seed(recipe.seed)
    model = Calliffusion(recipe.dims)
    if parent is not None:
        model.load_state_dict(parent.state_dict())
    elif recipe.starts_from_standard:
        model.eye.start_from(as_pictures(standard))
    model.to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    make = ahead(
        lambda part: draw(
            material, part, recipe.characters_at_once, prompts, recipe.draw, recipe.seed
        )
    )
    step = step_of(model, make, recipe, device)
    fitted = fit(model, step, recipe.loop, log=log, kept=kept)
    return Learned(model=model.to(CPU).eval(), fitted=fitted)


def step_of(
    model: Calliffusion,
    make: Callable[[Slice], Batch],
    recipe: CalliffusionRecipe,
    device: torch.device,
) -> Step:
    """A slice of a batch to its loss and parts."""
    schedule = schedule_of(recipe.dims)

    def step(part: Slice) -> tuple[Tensor, dict[str, float]]:
        batch = on(make(part), device)
        generator = part.torch_seeded(recipe.seed + 1)
        return dual_loss(model, schedule, batch, recipe.objective, generator)

    return step


def on(batch: Batch, device: torch.device) -> Batch:
    """The batch on a device."""

    def moved(condition: Condition) -> Condition:
        return replace(condition, **{k: v.to(device) for k, v in vars(condition).items()})

    return Batch(inks=batch.inks.to(device), pro=moved(batch.pro), base=moved(batch.base))
