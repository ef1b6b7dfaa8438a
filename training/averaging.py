"""What a model learnt last beside what it could before: the weights of two checkpoints averaged.

A model that learns a new script forgets a little of the old ones. The straight line between its
weights before and after often holds points that are better than both ends (robust fine-tuning,
Wortsman et al. 2022, arXiv 2109.01903).

Holds: ``average``.

Keeps out: learning (``training.learning``), and whether the result is worth releasing
(``evaluate``).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import torch

from pipelines.errors import ModelError
from training.families.unicalli.weights import Bundle, load_bundle, save_bundle


def average(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the checkpoint between ``--before`` and ``--after``, ``--share`` of the way."""
    before, after = load_bundle(arguments.before), load_bundle(arguments.after)
    made = averaged(before, after, arguments.share)
    card = (
        f"# UniCalli, averaged\n\n{arguments.share:.0%} of the weights of {arguments.after.name}, "
        f"the rest of {arguments.before.name}. Not judged yet: `python -m training evaluate`.\n"
    )
    save_bundle(made, arguments.out, card)
    return {"checkpoint": str(arguments.out), "share": arguments.share}


def averaged(before: Bundle, after: Bundle, share: float) -> Bundle:
    """``after`` with every weight moved back towards ``before``; ``share`` 1 is ``after`` itself.

    Raises:
        ModelError: If ``share`` is not between 0 and 1, or the two are no relatives: other
            dimensions, another character table or another autoencoder.
    """
    if not 0 <= share <= 1:
        raise ModelError(f"The share of the later model is {share}; expected 0 to 1.")
    if before.dims != after.dims:
        raise ModelError("The two models have other dimensions: only relatives can be averaged.")
    if before.vocabulary.fingerprint != after.vocabulary.fingerprint:
        raise ModelError("The two models have other character tables: only relatives are averaged.")
    frozen = zip(
        before.autoencoder.state_dict().values(),
        after.autoencoder.state_dict().values(),
        strict=True,
    )
    if not all(torch.equal(one, other) for one, other in frozen):
        raise ModelError("The two models see through other autoencoders: average relatives only.")
    earlier = before.model.state_dict()
    mixed = {
        name: torch.lerp(earlier[name], weight, share) if weight.is_floating_point() else weight
        for name, weight in after.model.state_dict().items()
    }
    after.model.load_state_dict(mixed)
    return replace(after, recipe={**after.recipe, "averaged_share": share})
