"""The checkpoints that travel with the project: they load, and know hands they have seen."""

import numpy as np
import pytest

from pipelines.glyphs.fonts import FontFace
from tests.conftest import ROOT
from training.families.scriptvit.attribution import attribute, drawn_sets, style_vectors
from training.families.scriptvit.conditioning import HELD_OUT_EVERY, reference_set
from training.families.scriptvit.weights import load_bundle
from training.hands import fetched_hands
from training.recipes.scriptvit import KNOWN_HANDS, STRANGE_HANDS
from training.vocabulary import build_vocabulary

CHECKPOINTS = ROOT / "training" / "families" / "scriptvit" / "checkpoints"


@pytest.mark.parametrize(("name", "hands"), [("tiny", 19), ("words", 21)])
def test_a_bundled_checkpoint_loads_small_and_with_all_thresholds(name, hands):
    bundle = load_bundle(CHECKPOINTS / name)
    assert len(bundle.enrolled.names) == hands
    assert sorted(bundle.enrolled.thresholds) == [1, 3, 5, 15]
    assert bundle.is_of_words == (name == "words")
    size = sum(path.stat().st_size for path in (CHECKPOINTS / name).iterdir())
    assert size < 15e6
    assert (CHECKPOINTS / name / "card.md").read_text().startswith("# ScriptViT")


def test_nothing_strange_is_enrolled():
    bundle = load_bundle(CHECKPOINTS / "tiny")
    assert set(bundle.enrolled.names) <= set(KNOWN_HANDS)
    assert not set(bundle.enrolled.names) & set(STRANGE_HANDS)


def test_a_known_hand_is_named_by_characters_it_was_not_learned_from(material):
    bundle = load_bundle(CHECKPOINTS / "tiny")
    characters = build_vocabulary([], bundle.recipe["vocabulary_size"]).characters
    rng = np.random.default_rng(0)
    found = fetched_hands(material / "fonts", ("ma-shan-zheng", "noto-sans-cjk"))
    if not found:
        pytest.skip(f"neither font is fetched under {material}")
    for name, font in found.items():
        face = FontFace(font.files)
        held_out = [c for c in characters[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY] if face.covers(c)]
        cells = np.concatenate(
            [reference_set([face.draw(c, 96)], bundle.dims) for c in held_out[:40]]
        )
        vectors = style_vectors(bundle.encoder, drawn_sets(cells, 5, 10, rng))
        named = [attribute(vector, 5, bundle.enrolled).nearest[0][0] for vector in vectors]
        assert named.count(name) >= 7
