"""A real picture as the noise that the model would have made it from, and held there.

Holds: ``inverted``, which keeps every latent on the way, and ``KeepReference``, the step-end
callback that puts the stored latent of each step back into row 0, so that the reference the other
rows look at is the real picture at every noise level.

Inversion is without guidance: with it, the noise found is no longer that of the picture.

Keeps out: the mathematics (``training.processes.ddim``), what is made (``synthesis``).

Legend: Z latent channels, h and w latents, N steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from pipelines.errors import ModelError
from training.families.creativesynth.folder import Rgb, Sdxl
from training.processes.ddim import Levels, invert


@torch.no_grad()
def inverted(
    sdxl: Sdxl, picture: Rgb, prompt: str, levels: Levels, refinements: int = 0
) -> list[Tensor]:
    """The latents of a picture from clean to noise, N + 1 of them, each (1, Z, h, w).

    Args:
        sdxl: An opened SDXL; every row attends to itself afterwards.
        picture: (H, W, 3), sides multiples of the model's downsampling.
        prompt: What the picture shows.
        levels: From ``sdxl.levels``.
        refinements: See ``training.processes.ddim.invert``.

    Raises:
        ModelError: If a latent becomes something that is no number.
    """
    sdxl.attend(None)
    latents = sdxl.encode([picture])
    found = invert(_predict(sdxl, prompt, picture), latents, levels, refinements)
    if not torch.isfinite(found[-1]).all():
        raise ModelError(
            "The inversion ended in values that are no numbers. Give a whole SDXL folder, or run "
            "it in float32."
        )
    return found


def replayed(sdxl: Sdxl, noise: Tensor, prompt: str, picture: Rgb, steps: int) -> Tensor:
    """Sample from a noise by the pipeline itself, without guidance: (1, Z, h, w) latents."""
    sdxl.attend(None)
    height, width = picture.shape[:2]
    result = sdxl.pipe(
        prompt=prompt, height=height, width=width, num_inference_steps=steps, guidance_scale=1.0,
        latents=noise, output_type="latent", **shown(sdxl, None),
    )  # fmt: skip
    latents: Tensor = result.images
    return latents


class KeepReference:
    """The callback: after each step, row 0 is again the stored latent of that noise level."""

    def __init__(self, trajectory: list[Tensor]) -> None:
        self.trajectory = trajectory

    def __call__(self, pipe: Any, step: int, timestep: int, tensors: dict[str, Any]) -> Any:
        """``latents`` (rows, Z, h, w) with row 0 replaced."""
        latents = tensors["latents"].clone()
        latents[:1] = self.trajectory[-2 - step].to(latents)
        return {"latents": latents}


def shown(sdxl: Sdxl, picture: Rgb | None) -> dict[str, Any]:
    """The pipeline's argument for image features: a U-Net with an IP-Adapter insists on some."""
    if not sdxl.sees_pictures:
        return {}
    return {"ip_adapter_image": Image.fromarray(_NOTHING if picture is None else picture)}


_NOTHING = np.zeros((32, 32, 3), np.uint8)
"""Shown at scale 0, where nobody looks."""


def _predict(sdxl: Sdxl, prompt: str, picture: Rgb) -> Any:
    pipe = sdxl.pipe
    text, _, pooled, _ = pipe.encode_prompt(
        prompt=prompt, device=pipe.unet.device, do_classifier_free_guidance=False
    )
    size = picture.shape[:2]
    times = pipe._get_add_time_ids(
        size, (0, 0), size, dtype=text.dtype,
        text_encoder_projection_dim=pipe.text_encoder_2.config.projection_dim,
    ).to(text.device)  # fmt: skip
    conditions: dict[str, Any] = {"text_embeds": pooled, "time_ids": times}
    if sdxl.sees_pictures:
        conditions["image_embeds"] = pipe.prepare_ip_adapter_image_embeds(
            shown(sdxl, None)["ip_adapter_image"], None, text.device, 1, False
        )

    def predict(latents: Tensor, timestep: int) -> Tensor:
        noise: Tensor = pipe.unet(
            latents, timestep, encoder_hidden_states=text, added_cond_kwargs=conditions
        ).sample
        return noise

    return predict
