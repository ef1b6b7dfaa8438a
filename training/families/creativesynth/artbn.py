"""ArtBN: the statistics of one picture's features given to another's.

Holds: ``art_bn``, its modes and directions. In spite of its name nothing is averaged over a batch:
mean and deviation are those of one sample and channel over its places, as in instance
normalization.

Keeps out: where it is applied (``attention``, ``harmony``).

Legend: B samples, H heads, T tokens or places, D channels.
"""

from __future__ import annotations

from enum import StrEnum

import torch
from torch import Tensor

EPSILON = 1e-6
"""Added to variances, so that a constant channel stays finite. Ours."""


class ArtBNMode(StrEnum):
    """What becomes of features; the paper's text and its equations allow each.

    ``INSTANCE`` takes their own statistics away; ``ADAIN`` gives them those of the reference
    instead; ``NONE`` leaves them alone.
    """

    INSTANCE = "instance"
    ADAIN = "adain"
    NONE = "none"


class Direction(StrEnum):
    """Whose statistics are changed: the equations' hat is on the target, the text says otherwise.

    The target is the picture that is being made, the semantic one the reference whose keys and
    values it shares.
    """

    TARGET_FROM_SEMANTIC = "target_from_semantic"
    SEMANTIC_FROM_TARGET = "semantic_from_target"


def art_bn(
    x: Tensor,
    reference: Tensor,
    mode: ArtBNMode = ArtBNMode.ADAIN,
    *,
    weight: Tensor | None = None,
    reference_weight: Tensor | None = None,
) -> Tensor:
    """Normalize ``x`` and give it the mean and deviation of ``reference``, channel by channel.

    Args:
        x: (..., T, D).
        reference: (..., S, D) with leading dimensions that broadcast; only ``ADAIN`` looks at it.
        mode: What to do.
        weight: (..., T, 1) how much each place counts, at least 0; all alike if None.
        reference_weight: (..., S, 1) the same of the reference.

    Returns:
        (..., T, D), of the type of ``x``; computed in float32.
    """
    if mode is ArtBNMode.NONE:
        return x
    mean, deviation = statistics(x, weight)
    normal = (x.float() - mean) / deviation
    if mode is ArtBNMode.ADAIN:
        wanted_mean, wanted_deviation = statistics(reference, reference_weight)
        normal = normal * wanted_deviation + wanted_mean
    return normal.to(x.dtype)


def statistics(x: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean and deviation over places, (..., 1, D) each: of every sample and channel by itself."""
    x = x.float()
    if weight is None:
        variance, mean = torch.var_mean(x, dim=-2, keepdim=True, correction=0)
    else:
        total = weight.sum(dim=-2, keepdim=True).clamp(min=EPSILON)
        mean = (x * weight).sum(dim=-2, keepdim=True) / total
        variance = ((x - mean).square() * weight).sum(dim=-2, keepdim=True) / total
    return mean, (variance + EPSILON).sqrt()
