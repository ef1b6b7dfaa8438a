"""A FLUX.1 folder of random weights, saved by diffusers and transformers themselves."""

import string
from typing import Any

import torch
from diffusers import AutoencoderKL, FluxTransformer2DModel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from training.families.unicalli.flux.network import FluxDims

DIMS = FluxDims(cell_px=16, latent_channels=16, style_tokens=6, character_width=8)
"""Cells of 16 pixels: 2 by 2 latents after 8-fold downsampling, one token each."""


def make(folder, *, depth=1):
    """The whole folder; FLUX's own kinds of parts, all of them tiny."""
    torch.manual_seed(3)
    transformer: Any = FluxTransformer2DModel(
        in_channels=64, num_layers=depth, num_single_layers=depth, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=24, pooled_projection_dim=20,
        guidance_embeds=True, axes_dims_rope=(4, 6, 6),
    )  # fmt: skip
    transformer.save_pretrained(folder / "transformer")
    autoencoder: Any = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8), latent_channels=16, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1, scaling_factor=0.3611, shift_factor=0.1159,
        use_quant_conv=False, use_post_quant_conv=False,
    )  # fmt: skip
    autoencoder.save_pretrained(folder / "vae")
    letters = list(string.ascii_lowercase)
    pieces = [*letters, *(f"{c}</w>" for c in letters), "<|startoftext|>", "<|endoftext|>"]
    CLIPTokenizer(
        vocab={piece: place for place, piece in enumerate(pieces)}, merges=[]
    ).save_pretrained(folder / "tokenizer")
    CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(pieces), hidden_size=20, intermediate_size=24, num_hidden_layers=1,
            num_attention_heads=2, max_position_embeddings=12, eos_token_id=len(pieces) - 1,
        )
    ).save_pretrained(folder / "text_encoder")  # fmt: skip
    table = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -1.0)]
    T5Tokenizer(vocab=[*table, *((c, -2.0) for c in letters)], extra_ids=0).save_pretrained(
        folder / "tokenizer_2"
    )
    T5EncoderModel(
        T5Config(
            vocab_size=32, d_model=24, d_kv=8, d_ff=24, num_layers=1, num_heads=2,
            feed_forward_proj="gated-gelu",
        )
    ).save_pretrained(folder / "text_encoder_2")  # fmt: skip
    return folder
