"""A new hand from about five characters (section 3.5): corrections of low rank beside the U-Net.

The base stays as it is; what is learned lies in a folder of its own. Each character is shown with
its own skeleton, as in the paper, and with nothing else: beside the skeleton of a standard font, or
an index, its strokes lie elsewhere, and five of them teach that strokes are pale and anywhere. A
hand starts from the prompt of a known one, by default that under which the base errs least on the
given characters, and from a vector of its own that is added to the words of that prompt and is
nothing at first. Both are ours.

Holds: ``learn_hand`` and :func:`nearest_hand`.

Keeps out: pictures and fonts of the user (``training.single_characters``), the folder
(``weights``).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipelines.errors import ModelError
from pipelines.glyphs.fonts import FontFace
from training.families.calliffusion.material import Material, draw, material_of_pictures
from training.families.calliffusion.objective import dual_loss, schedule_of, target_of
from training.families.calliffusion.recipe import AdaptRecipe
from training.families.calliffusion.skeletons import skeleton
from training.families.calliffusion.weights import Adapter, Bundle, corrections_of, put_corrections
from training.loop import fit
from training.slices import Slice

Ink = npt.NDArray[np.uint8]


def learn_hand(
    bundle: Bundle,
    hand: str,
    pictures: Sequence[tuple[str, Ink]],
    face: FontFace,
    recipe: AdaptRecipe,
    base: str = "",
    log: Path | None = None,
    near: str = "",
) -> Adapter:
    """Corrections that make the base write in a hand.

    Args:
        bundle: The base; not changed.
        hand: Its new name.
        pictures: What each shows, and its ink, white on black: two at least, five are usual.
        face: The standard font.
        recipe: Every number.
        base: Name of the base's folder, kept in the adapter.
        log: Gets one line of losses now and then.
        near: The known hand to start from (``training.likest_hand``); empty: the one under whose
            prompt the base errs least.

    Raises:
        ModelError: If there are fewer than two pictures, the name is taken, or a loss is not a
            number.
    """
    require_learnable(bundle, hand, pictures)
    hands: Mapping[str, str] = bundle.recipe["hands"]
    near = near or nearest_hand(bundle, pictures, face, recipe)
    material = material_of_pictures(
        pictures, hands[near], bundle.characters, face, bundle.dims.cell_px
    )
    material = replace(material, index=np.zeros_like(material.index))
    torch.manual_seed(recipe.seed)
    model = copy.deepcopy(bundle.model)
    learned = put_corrections(model, recipe.lora, lambda name: name.endswith(recipe.adapts))
    schedule = schedule_of(bundle.dims)

    def step(part: Slice) -> tuple[Tensor, dict[str, float]]:
        shaken = _shaken(material, part, recipe)
        batch = draw(
            shaken, part, recipe.characters_at_once, bundle.prompts, recipe.draw, recipe.seed
        )
        generator = part.torch_seeded(recipe.seed + 1)
        return dual_loss(model, schedule, batch, recipe.objective, generator)

    fitted = fit(model, step, recipe.loop, log=log)
    return Adapter(
        hand=hand,
        prompt=hands[near],
        lora=recipe.lora,
        tensors={name: value.clone() for name, value in corrections_of(model).items()},
        base=base,
        fingerprint=bundle.fingerprint,
        facts={
            "learned_from": "".join(character for character, _ in pictures),
            "near": near,
            "numbers": learned,
            "steps": fitted.steps,
            "seconds": round(fitted.seconds, 1),
            "losses": fitted.parts,
        },
    )


def require_learnable(bundle: Bundle, hand: str, pictures: Sequence[tuple[str, Ink]]) -> None:
    """Refuse what cannot be learned as a hand.

    Raises:
        ModelError: If there are fewer than two pictures, or the name is taken.
    """
    if len(pictures) < 2:
        raise ModelError(
            f"{len(pictures)} characters of {hand!r} were given; a hand needs two at least, and "
            f"five or more are better. Give more pictures, one character each."
        )
    if hand in bundle.recipe["hands"]:
        raise ModelError(
            f"The base knows a hand called {hand!r} already. Give the new one another name."
        )


@torch.inference_mode()
def nearest_hand(
    bundle: Bundle, pictures: Sequence[tuple[str, Ink]], face: FontFace, recipe: AdaptRecipe
) -> str:
    """The known hand under whose prompt the base says least wrong of the given characters.

    Times and noise are the same for all hands.
    """
    hands: Mapping[str, str] = bundle.recipe["hands"]
    material = material_of_pictures(pictures, "", bundle.characters, face, bundle.dims.cell_px)
    part = Slice(number=0)
    size = recipe.tried * len(pictures)
    batch = draw(
        material, part, size, bundle.prompts, replace(recipe.draw, own_share=0.0), recipe.seed
    )
    schedule = schedule_of(bundle.dims)
    generator = part.torch_seeded(recipe.seed)
    times = torch.randint(0, bundle.dims.noise_steps, (size,), generator=generator)
    noise = torch.randn(batch.inks.shape, generator=generator)
    noised = schedule.add_noise(batch.inks, noise, times)
    target = target_of(schedule, batch.inks, noise, times)
    errors = {}
    for name, prompt in hands.items():
        said = bundle.prompts.encode([prompt])
        told = replace(batch.pro, prompt=said.expand(size, *said.shape[1:]))
        errors[name] = float((bundle.model(noised, times, told) - target).square().mean())
    return min(errors, key=lambda name: errors[name])


def _shaken(material: Material, part: Slice, recipe: AdaptRecipe) -> Material:
    """The characters a little larger or smaller and moved, their skeletons with them.

    Five pictures shown unmoved some hundred times would be learned pixel by pixel.
    """
    rng = part.numpy_seeded(recipe.seed + 2)
    side = material.inks.shape[1]
    inks, own = np.empty_like(material.inks), np.empty_like(material.own)
    for place, ink in enumerate(material.inks):
        scale = 1 + rng.uniform(-recipe.scale, recipe.scale)
        shift = rng.uniform(-recipe.shift, recipe.shift, 2) * side
        moved = side / 2 * (1 - scale) + shift
        turn = np.array([[scale, 0, moved[0]], [0, scale, moved[1]]])
        inks[place] = cv2.warpAffine(ink, turn, (side, side), flags=cv2.INTER_LINEAR)
        own[place] = skeleton(inks[place])
    return replace(material, inks=inks, own=own)
