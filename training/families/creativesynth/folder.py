"""An SDXL folder and an IP-Adapter folder in diffusers' layout, opened without a network.

Holds: ``Sdxl``, the opened pipeline with what the family asks of it, and :func:`open_sdxl`. Weights
are safetensors and fit their configuration key by key, or the folder is refused.

Of an IP-Adapter, ``FOLDER/*.safetensors`` (one file) and ``FOLDER/image_encoder`` are used, as the
published ``sdxl_models`` has them.

Keeps out: attention (``attention``), what is made with it (``inversion``, ``synthesis``).

Legend: B pictures, H and W pixels, Z latent channels, F pixels of a latent.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from pipelines.errors import ModelError
from training.families.creativesynth.attention import SharingParams, install
from training.processes.ddim import Levels

Rgb = npt.NDArray[np.uint8]

PIPELINE = "StableDiffusionXLPipeline"
_PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")


@dataclass(frozen=True)
class Sdxl:
    """An SDXL that is ready: DDIM for its schedule, latents by the mean of its autoencoder.

    Attributes:
        pipe: diffusers' ``StableDiffusionXLPipeline``.
        sees_pictures: Whether an IP-Adapter came with it.
        fingerprint: Of the folder's configuration, for reports.
    """

    pipe: Any
    sees_pictures: bool
    fingerprint: str

    @property
    def downsampling(self) -> int:
        """F; 8 in SDXL."""
        return int(self.pipe.vae_scale_factor)

    def levels(self, steps: int) -> Levels:
        """The noise levels that the pipeline itself will step through."""
        self.pipe.scheduler.set_timesteps(steps)
        scheduler = self.pipe.scheduler
        timesteps = [int(t) for t in reversed(scheduler.timesteps)]
        alphas = [float(scheduler.alphas_cumprod[t]) for t in timesteps]
        return Levels((float(scheduler.final_alpha_cumprod), *alphas), tuple(timesteps))

    def encode(self, pictures: list[Rgb]) -> Tensor:
        """(H, W, 3) pictures of one size to latents (B, Z, H / F, W / F)."""
        vae = self.pipe.vae
        stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.no_grad():
            latents = vae.encode(stacked.to(vae.device)).latent_dist.mode()
        scaled: Tensor = latents * vae.config.scaling_factor
        return scaled.to(self.pipe.unet.dtype)

    def decode(self, latents: Tensor) -> list[Rgb]:
        """Latents to pictures."""
        vae = self.pipe.vae
        with torch.no_grad():
            found = vae.decode(latents.float() / vae.config.scaling_factor).sample
        levels = ((found.clamp(-1, 1) + 1) * 127.5).round().byte()
        return list(levels.permute(0, 2, 3, 1).cpu().numpy())

    def attend(
        self, sharing: SharingParams | None, *, rows: int = 1, image_scale: float = 0.0
    ) -> None:
        """Choose what the U-Net's rows see from now on; see ``attention.install``."""
        install(self.pipe.unet, sharing, rows=rows, image_scale=image_scale)


def open_sdxl(folder: Path, adapter: Path | None, device: torch.device) -> Sdxl:
    """Open an SDXL, and an IP-Adapter for it if one is given.

    On a GPU the U-Net and the text encoders are in half precision; the autoencoder, which
    overflows there, is not.

    Raises:
        ModelError: If a folder holds something else, or its weights are pickled, missing, or of
            another shape.
    """
    try:
        diffusers: Any = importlib.import_module("diffusers")
    except ImportError as error:
        raise ModelError(
            "An SDXL folder is opened by diffusers, which is not installed here: pip install "
            "diffusers transformers."
        ) from error
    index = _index(folder)
    dtype = torch.float16 if device.type == "cuda" else torch.float32
    try:
        parts = {
            "unet": _whole(diffusers.UNet2DConditionModel, folder / "unet"),
            "vae": _whole(diffusers.AutoencoderKL, folder / "vae"),
        }
        pipe = diffusers.StableDiffusionXLPipeline.from_pretrained(
            folder, **parts, local_files_only=True, use_safetensors=True, add_watermarker=False
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelError(
            f"{folder} is no whole SDXL folder: {_first_line(error)} Fetch it again, with "
            f"safetensors weights that fit each config.json."
        ) from error
    pipe.scheduler = diffusers.DDIMScheduler.from_config(
        pipe.scheduler.config, clip_sample=False, set_alpha_to_one=False
    )
    if pipe.scheduler.config.prediction_type != "epsilon":
        raise ModelError(
            f"{folder} predicts {pipe.scheduler.config.prediction_type!r}; inversion here is for "
            f"models that predict noise ('epsilon'), as SDXL 1.0 does."
        )
    if adapter is not None:
        _load_adapter(pipe, adapter)
    pipe.to(device, dtype)
    pipe.vae.to(torch.float32)
    pipe.set_progress_bar_config(disable=True)
    for part in _PARTS:
        getattr(pipe, part).eval().requires_grad_(False)
    fingerprint = f"{folder.name} ({index.get('_diffusers_version', 'unknown version')})"
    return Sdxl(pipe=pipe, sees_pictures=adapter is not None, fingerprint=fingerprint)


def _index(folder: Path) -> dict[str, Any]:
    path = folder / "model_index.json"
    if not path.is_file():
        raise ModelError(
            f"{folder} is no SDXL folder: model_index.json is missing. Give the folder of an SDXL "
            f"1.0 in diffusers' layout."
        )
    try:
        index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ModelError(f"{path} is not JSON ({error}). Restore it.") from error
    if index.get("_class_name") != PIPELINE:
        raise ModelError(
            f"{folder} holds a {index.get('_class_name')!r}; expected a {PIPELINE!r}. Give the "
            f"folder of an SDXL 1.0 in diffusers' layout."
        )
    for part in _PARTS:
        if not any((folder / part).glob("*.safetensors")):
            raise ModelError(
                f"{folder / part} has no safetensors weights; pickled or missing ones are "
                f"refused. Fetch the safetensors files."
            )
    return index


def _whole(kind: Any, part: Path) -> Any:
    """A part of the folder, every weight of which came from the file."""
    model, info = kind.from_pretrained(
        part, local_files_only=True, use_safetensors=True, low_cpu_mem_usage=False,
        output_loading_info=True,
    )  # fmt: skip
    wrong = [*info["missing_keys"], *info["unexpected_keys"], *info["mismatched_keys"]]
    if wrong:
        raise ModelError(
            f"The weights in {part} do not fit its config.json: {len(wrong)} are missing, unknown "
            f"or of another shape ({wrong[0]}...). Fetch the folder again."
        )
    return model


def _load_adapter(pipe: Any, adapter: Path) -> None:
    files = sorted(adapter.glob("*.safetensors"))
    if len(files) != 1 or not (adapter / "image_encoder" / "config.json").is_file():
        raise ModelError(
            f"{adapter} is no IP-Adapter folder: it has {len(files)} safetensors files and "
            f"{'an' if (adapter / 'image_encoder').is_dir() else 'no'} image_encoder. Give a "
            f"folder with one ip-adapter*.safetensors and its image_encoder."
        )
    try:
        pipe.load_ip_adapter(
            adapter, subfolder="", weight_name=files[0].name, image_encoder_folder="image_encoder",
            local_files_only=True, low_cpu_mem_usage=False,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(
            f"{files[0]} does not fit this SDXL: {_first_line(error)} Give the adapter that was "
            f"trained for it."
        ) from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".:") + "."
