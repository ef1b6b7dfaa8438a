"""The verbs and trainers of the other model families, brought in when they are asked for.

Imports stand inside the functions: what these families are made of (diffusers, transformers) takes
seconds to import, which nobody who reads a page should wait for, and a machine that trains
UniCalli alone need not have it.

Keeps out: the work itself (``training.single_characters``, ``training.augmenting``,
``training.whose_hand``, ``training.restyling``).
"""

from __future__ import annotations

import argparse
from typing import Any

CALLIFFUSION = ("calliffusion.tiny", "calliffusion.base", "calliffusion.debug")
SCRIPTVIT = ("scriptvit.tiny", "scriptvit.words", "scriptvit.debug", "scriptvit.paper")
SURFACE_DEBUG, SYNTHESIS = "creativesynth.debug", "creativesynth.sdxl"
CREATIVESYNTH = ("creativesynth.surface", SURFACE_DEBUG, SYNTHESIS)
"""Recipes by name; what follows the point is the function that makes it."""


def train_calliffusion(arguments: argparse.Namespace) -> dict[str, Any]:
    """A model that writes single characters."""
    from training.recipes import calliffusion as recipes
    from training.single_characters import train_single_characters

    return train_single_characters(arguments, _made(recipes, arguments.recipe))


def train_scriptvit(arguments: argparse.Namespace) -> dict[str, Any]:
    """A model that knows hands."""
    from training.recipes import scriptvit as recipes
    from training.whose_hand import train_to_know_hands

    return train_to_know_hands(arguments, _made(recipes, arguments.recipe))


def train_creativesynth(arguments: argparse.Namespace) -> dict[str, Any]:
    """The autoencoder of surfaces; the rest of that family is never trained, and says so."""
    from training import restyling
    from training.recipes import creativesynth as recipes

    recipe = _made(recipes, arguments.recipe)
    if arguments.recipe == SYNTHESIS:
        return restyling.nothing_to_train(arguments, recipe)
    if arguments.recipe == SURFACE_DEBUG:
        return restyling.train_debug(arguments, recipe)
    return restyling.train_surface(arguments, recipe)


def write_characters(arguments: argparse.Namespace) -> dict[str, Any]:
    """Columns of single characters."""
    from training import single_characters

    return single_characters.write_characters(arguments)


def adapt(arguments: argparse.Namespace) -> dict[str, Any]:
    """A hand from a few pictures."""
    from training import single_characters

    return single_characters.adapt(arguments)


def augment(arguments: argparse.Namespace) -> dict[str, Any]:
    """Columns for rare hands."""
    from training import augmenting

    return augmenting.augment(arguments)


def attribute(arguments: argparse.Namespace) -> dict[str, Any]:
    """Whose hand it is."""
    from training import whose_hand

    return whose_hand.attribute(arguments)


def hands(arguments: argparse.Namespace) -> dict[str, Any]:
    """A style vector for each work of a batch."""
    from training import whose_hand

    return whose_hand.hands(arguments)


def imitate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Columns in the hand of reference pictures."""
    from training import whose_hand

    return whose_hand.imitate(arguments)


def restyle(arguments: argparse.Namespace) -> dict[str, Any]:
    """Pages in the look of real scans."""
    from training import restyling

    return restyling.restyle(arguments)


def restyle_corpus(arguments: argparse.Namespace) -> dict[str, Any]:
    """A synthetic corpus in the look of real scans."""
    from training import restyling

    return restyling.restyle_corpus(arguments)


def _made(recipes: Any, name: str) -> Any:
    return getattr(recipes, name.partition(".")[2])()
