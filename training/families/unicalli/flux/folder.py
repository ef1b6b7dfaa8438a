"""A FLUX.1 folder in diffusers' layout, opened without a network and without surprises.

Holds: ``open_transformer`` and ``open_autoencoder``. Weights are compared with what the folder's
own configuration asks for, key by key and shape by shape, before anything is built; pickles are
refused. ``fingerprint`` tells one folder's transformer from another's.

diffusers is imported here alone, and only when a folder is opened.

Keeps out: what is built from it (``network``), text encoders (``prompts``).

Legend: B batch, H and W pixels, Z latent channels.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from pipelines.errors import ModelError

WEIGHTS = "diffusion_pytorch_model"


class FluxAutoencoder(nn.Module):
    """FLUX's ``AutoencoderKL`` for ink: one channel instead of three, scaled and shifted latents.

    The mean of the posterior stands for it (the published code draws from it), so that the same
    ink always has the same latents.
    """

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae = vae
        self.scale, self.shift = float(vae.config.scaling_factor), float(vae.config.shift_factor)

    @property
    def latent_channels(self) -> int:
        """Z; 16 in FLUX.1."""
        return int(self.vae.config.latent_channels)

    @property
    def downsampling(self) -> int:
        """Pixels of a latent; 8 in FLUX.1."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    def encode(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) in [-1, 1] to (B, Z, H / 8, W / 8)."""
        grey = images.expand(-1, 3, -1, -1)
        latents: Tensor = (self.vae.encode(grey).latent_dist.mode() - self.shift) * self.scale
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (B, 1, H, W) in [-1, 1], the mean of the three channels."""
        pictures: Tensor = self.vae.decode(latents / self.scale + self.shift).sample
        return pictures.mean(dim=1, keepdim=True).clamp(-1, 1)


def open_transformer(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """The folder's ``FluxTransformer2DModel``, on the CPU, with every key accounted for.

    Raises:
        ModelError: If the folder holds something else, keys are missing or extra, or weights are
            pickled; or if diffusers is not installed.
    """
    return _opened(folder / "transformer", "FluxTransformer2DModel", dtype)


def open_autoencoder(folder: Path) -> FluxAutoencoder:
    """The folder's autoencoder, frozen, in float32.

    Raises:
        ModelError: As :func:`open_transformer`.
    """
    vae = _opened(folder / "vae", "AutoencoderKL", torch.float32)
    return FluxAutoencoder(vae).eval().requires_grad_(False)


def open_in_four_bits(folder: Path) -> Any:
    """The transformer for reading and writing alone, in a fourth of its memory (NF4).

    Keys are those that :func:`open_transformer` asks for. Loading goes to the GPU.

    Raises:
        ModelError: If bitsandbytes or accelerate is not installed, or as above.
    """
    missing = [n for n in ("bitsandbytes", "accelerate") if not importlib.util.find_spec(n)]
    if missing:
        raise ModelError(
            f"Loading in 4 bits needs {' and '.join(missing)}, which is not installed here: "
            f"pip install {' '.join(missing)}; or load in bfloat16."
        )
    part = folder / "transformer"
    diffusers = _diffusers()
    _compare(part, _shapes(_empty(part, "FluxTransformer2DModel")), _stored_shapes(part))
    quantized = diffusers.BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    return diffusers.FluxTransformer2DModel.from_pretrained(
        part, quantization_config=quantized, torch_dtype=torch.bfloat16,
        local_files_only=True, use_safetensors=True,
    )  # fmt: skip


def fingerprint(folder: Path) -> str:
    """Of the transformer: its configuration, keys and shapes, and the bits of its last layer."""
    part = folder / "transformer"
    digest = hashlib.sha256((part / "config.json").read_bytes())
    shapes = _stored_shapes(part)
    digest.update(json.dumps(sorted((k, list(v)) for k, v in shapes.items())).encode())
    for file in _files(part):
        with safe_open(file, "pt") as stored:
            if "proj_out.weight" in stored.keys():  # noqa: SIM118
                last = stored.get_tensor("proj_out.weight")
                digest.update(last.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _opened(part: Path, wanted: str, dtype: torch.dtype) -> Any:
    model = _empty(part, wanted)
    _compare(part, _shapes(model), _stored_shapes(part))
    tensors: dict[str, Tensor] = {}
    for file in _files(part):
        with safe_open(file, "pt") as stored:
            for name in stored.keys():  # noqa: SIM118
                tensors[name] = stored.get_tensor(name).to(dtype)
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.requires_grad_(True)


def _empty(part: Path, wanted: str) -> Any:
    """The network that the folder's configuration describes, without memory."""
    path = part / "config.json"
    if not path.is_file():
        raise ModelError(
            f"There is no {path}. Give the folder of a FLUX.1 checkpoint in diffusers' layout: "
            f"with transformer/, vae/, and for prompts text_encoder/, text_encoder_2/, "
            f"tokenizer/ and tokenizer_2/."
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ModelError(f"{path} is not JSON ({error}). Fetch it again.") from error
    if config.get("_class_name") != wanted:
        raise ModelError(
            f"{path} describes a {config.get('_class_name')!r}, not a {wanted!r}: this is no "
            f"FLUX.1 checkpoint in diffusers' layout."
        )
    with torch.device("meta"):
        return getattr(_diffusers(), wanted).from_config(config)


def _diffusers() -> Any:
    try:
        import diffusers
    except ImportError as error:
        raise ModelError(
            "A FLUX folder is opened with diffusers, which is not installed here: "
            "pip install 'diffusers>=0.35'."
        ) from error
    return diffusers


def _files(part: Path) -> list[Path]:
    """All safetensors files of one network, as its index names them."""
    single, index = part / f"{WEIGHTS}.safetensors", part / f"{WEIGHTS}.safetensors.index.json"
    if single.is_file():
        return [single]
    if index.is_file():
        names = json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()
        return [part / name for name in sorted(set(names))]
    pickled = sorted(p.name for s in ("*.bin", "*.pt", "*.pth", "*.ckpt") for p in part.glob(s))
    found = f"; {pickled[0]} is a pickle, which is refused" if pickled else ""
    raise ModelError(
        f"{part} has no {single.name} and no index of several{found}. Fetch the safetensors files."
    )


def _stored_shapes(part: Path) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for file in _files(part):
        try:
            with safe_open(file, "pt") as stored:
                for name in stored.keys():  # noqa: SIM118
                    shapes[name] = tuple(stored.get_slice(name).get_shape())
        except (SafetensorError, FileNotFoundError) as error:
            raise ModelError(
                f"{file} is no whole safetensors file ({error}); pickled, truncated or missing "
                f"weights are refused. Fetch it again."
            ) from error
    return shapes


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def _compare(
    part: Path,
    wanted: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
) -> None:
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    shaped = sorted(k for k in set(wanted) & set(found) if wanted[k] != found[k])
    said = [
        f"{len(names)} {what} ({', '.join(names[:3])}{'...' if len(names) > 3 else ''})"
        for what, names in (("missing", missing), ("unknown", extra), ("of another shape", shaped))
        if names
    ]
    if said:
        raise ModelError(
            f"The weights in {part} do not fit its config.json: {'; '.join(said)}. Fetch the "
            f"folder again, or a checkpoint that this diffusers knows."
        )
