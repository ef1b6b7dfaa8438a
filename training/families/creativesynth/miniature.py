"""An SDXL folder and an IP-Adapter of random weights, saved by diffusers itself: for trials.

Everything that CreativeSynth does can be run on it in seconds on a CPU; what it draws is noise.

Holds: ``make_sdxl`` and ``make_ip_adapter``.

Keeps out: opening them (``folder``).
"""

from __future__ import annotations

import importlib
import string
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

SIDE_PX = 32
CROSS_WIDTH = 32
"""Width of text and image tokens: both text encoders side by side."""
IMAGE_TOKENS = 4
_LETTERS = string.ascii_lowercase


def make_sdxl(folder: Path, seed: int = 3) -> Path:
    """Write a pipeline of SDXL's parts, all of them tiny; pictures of 32 pixels, latents of 16."""
    diffusers: Any = importlib.import_module("diffusers")
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(seed)
    unet = diffusers.UNet2DConditionModel(
        sample_size=SIDE_PX // 2, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4), use_linear_projection=True, norm_num_groups=4,
        addition_embed_type="text_time", addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2), cross_attention_dim=CROSS_WIDTH,
        projection_class_embeddings_input_dim=64,
    )  # fmt: skip
    # Random weights see much noise where there is none; what a trained network predicts is smooth.
    with torch.no_grad():
        unet.conv_out.weight.mul_(0.3)
    vae = diffusers.AutoencoderKL(
        block_out_channels=(8, 16), latent_channels=4, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2,
        scaling_factor=5.0, sample_size=SIDE_PX,
    )  # fmt: skip
    config = CLIPTextConfig(
        vocab_size=2 * len(_LETTERS) + 2, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=16, projection_dim=16,
        bos_token_id=2 * len(_LETTERS), eos_token_id=2 * len(_LETTERS) + 1,
    )  # fmt: skip
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1,
        timestep_spacing="leading",
    )  # fmt: skip
    pipe = diffusers.StableDiffusionXLPipeline(
        vae=vae, unet=unet, scheduler=scheduler, add_watermarker=False,
        text_encoder=CLIPTextModel(config), text_encoder_2=CLIPTextModelWithProjection(config),
        tokenizer=_tokenizer(), tokenizer_2=_tokenizer(),
    )  # fmt: skip
    pipe.save_pretrained(folder)
    return folder


def make_ip_adapter(folder: Path, seed: int = 4) -> Path:
    """Write an adapter for :func:`make_sdxl`: image projections, and an image encoder beside."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(seed)
    folder.mkdir(parents=True)
    CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
            image_size=SIDE_PX, patch_size=16, projection_dim=12,
        )
    ).save_pretrained(folder / "image_encoder")  # fmt: skip
    tensors = {
        "image_proj.proj.weight": torch.randn(IMAGE_TOKENS * CROSS_WIDTH, 12),
        "image_proj.proj.bias": torch.zeros(IMAGE_TOKENS * CROSS_WIDTH),
        "image_proj.norm.weight": torch.ones(CROSS_WIDTH),
        "image_proj.norm.bias": torch.zeros(CROSS_WIDTH),
    }
    # Self- and cross-attention layers are counted together; the adapter has the odd ones.
    for index in range(_CROSS_LAYERS):
        for kind in ("k", "v"):
            name = f"ip_adapter.{2 * index + 1}.to_{kind}_ip.weight"
            tensors[name] = torch.randn(32, CROSS_WIDTH) / CROSS_WIDTH**0.5
    save_file(tensors, folder / "ip-adapter_sdxl.safetensors")
    return folder


_CROSS_LAYERS = 8
"""In the U-Net of :func:`make_sdxl`: two in each of its transformers, of which it has four."""


def _tokenizer() -> Any:
    from transformers import CLIPTokenizer

    pieces = [*_LETTERS, *(f"{c}</w>" for c in _LETTERS), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={piece: place for place, piece in enumerate(pieces)}, merges=[], model_max_length=16
    )
