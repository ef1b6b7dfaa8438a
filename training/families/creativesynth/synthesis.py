"""The three tasks of the paper on an opened SDXL: fusion, editing, variation.

Holds: ``Task``, ``SynthesisParams`` and ``synthesise``. Nothing is trained.

Keeps out: the legibility of text (``restyle`` re-imposes it and ``legibility`` proves it).

Legend: H and W pixels, Z latent channels, h and w latents.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np
import torch

from pipelines.errors import ModelError
from training.families.creativesynth.attention import SharingParams
from training.families.creativesynth.folder import Rgb, Sdxl
from training.families.creativesynth.inversion import KeepReference, inverted, shown


class Task(StrEnum):
    """What is made of an artwork.

    ``FUSION`` brings another picture into it, ``EDITING`` changes what the prompt says, and
    ``VARIATION`` makes another one like it.
    """

    FUSION = "fusion"
    EDITING = "editing"
    VARIATION = "variation"


@dataclass(frozen=True, kw_only=True)
class SynthesisParams:
    """The numbers of a synthesis.

    Attributes:
        steps: DDIM steps, both ways (paper).
        guidance: Towards the prompt (paper); inversion is without.
        side_px: Longest side that the model sees (paper: 1024 by 1024); a multiple of 64.
        image_scale: Of the image beside the text in cross-attention. Ours; the paper is silent.
        sharing: How the artwork is shared in self-attention.
        refinements: Of each step of inversion; 0 is plain DDIM.
    """

    steps: int = 30
    guidance: float = 5.0
    side_px: int = 1024
    image_scale: float = 0.5
    sharing: SharingParams = field(default_factory=SharingParams)
    refinements: int = 0


@torch.no_grad()
def synthesise(
    sdxl: Sdxl,
    artwork: Rgb,
    task: Task,
    *,
    artwork_prompt: str,
    prompt: str,
    semantic: Rgb | None = None,
    layout: Rgb | None = None,
    params: SynthesisParams,
    seed: int,
) -> Rgb:
    """Make a picture in the look of an artwork.

    Args:
        sdxl: An opened SDXL.
        artwork: (H, W, 3) the real picture whose look is taken.
        task: What is made of it.
        artwork_prompt: What the artwork shows.
        prompt: What the new picture shows.
        semantic: Whose features enter beside the text. Fusion needs it; a variation sees the
            artwork itself where an IP-Adapter is there.
        layout: A picture from whose inverted noise the new one starts, in place of the artwork's:
            it keeps where things stand.
        params: The numbers.
        seed: Of a variation's noise.

    Returns:
        (h, w, 3), the artwork's proportions at about ``side_px``.

    Raises:
        ModelError: If fusion lacks a picture or an IP-Adapter, or values are no numbers.
    """
    if task is Task.FUSION and (semantic is None or not sdxl.sees_pictures):
        lacks = "another picture" if semantic is None else "an IP-Adapter (--ip-adapter FOLDER)"
        raise ModelError(f"Fusion brings a picture into an artwork and needs {lacks}.")
    height, width = _sides(artwork, params.side_px, 8 * sdxl.downsampling)
    fitted = _sized(artwork, height, width)
    levels = sdxl.levels(params.steps)
    kept = inverted(sdxl, fitted, artwork_prompt, levels, params.refinements)
    if task is Task.VARIATION:
        generator = torch.Generator().manual_seed(seed)
        start = torch.randn(kept[-1].shape, generator=generator).to(kept[-1])
    elif layout is not None:
        placed = _sized(layout, height, width)
        start = inverted(sdxl, placed, prompt, levels, params.refinements)[-1]
    else:
        start = kept[-1]
    seen = semantic if semantic is not None else artwork if task is Task.VARIATION else None
    scale = params.image_scale if seen is not None and sdxl.sees_pictures else 0.0
    sdxl.attend(params.sharing, rows=2, image_scale=scale)
    result = sdxl.pipe(
        prompt=[artwork_prompt, prompt], height=height, width=width,
        num_inference_steps=params.steps, guidance_scale=params.guidance,
        latents=torch.cat([kept[-1], start]), output_type="latent",
        callback_on_step_end=KeepReference(kept), callback_on_step_end_tensor_inputs=["latents"],
        **shown(sdxl, seen),
    )  # fmt: skip
    made = result.images[1:]
    if not torch.isfinite(made).all():
        raise ModelError(
            "The synthesis ended in values that are no numbers. Give a whole SDXL folder, or run "
            "it in float32."
        )
    return sdxl.decode(made)[0]


def _sides(picture: Rgb, longest_px: int, multiple: int) -> tuple[int, int]:
    """Height and width of the picture at that longest side, as multiples."""
    height, width = picture.shape[:2]
    scale = longest_px / max(height, width)
    across, down = round(width * scale / multiple), round(height * scale / multiple)
    return max(1, down) * multiple, max(1, across) * multiple


def _sized(picture: Rgb, height: int, width: int) -> Rgb:
    is_smaller = height * width < picture.shape[0] * picture.shape[1]
    how = cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)
