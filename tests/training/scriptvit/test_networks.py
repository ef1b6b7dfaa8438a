"""The networks: shapes, attention, and what changes when references change."""

import pytest
import torch
from torch.nn import functional as F

from pipelines.errors import ModelError
from tests.training.scriptvit.examples import DIMS, TEXTS, adversary, bundle, material, networks
from training.families.scriptvit.dims import PAPER, TINY, TINY_WORDS, ScriptViTDims
from training.families.scriptvit.generator import Generator
from training.families.scriptvit.judges import (
    Discriminator,
    LetterReader,
    Letters,
    errors,
    read,
    reader_for,
    reading_loss,
)
from training.families.scriptvit.style_encoder import StyleEncoder


def references(count, hand=0, first=0):
    own = material()
    pictures = own.pictures[own.hands == hand][first : first + count]
    return torch.from_numpy(pictures)[None, :, None].float() / 255


def contents():
    return torch.from_numpy(material().contents)[:, None].float() / 255


@pytest.mark.parametrize("count", [1, 3, 5, 15])
def test_any_number_of_references_gives_one_vector_and_a_token_for_each_patch(count):
    memory = networks().encoder(references(count))
    assert memory.tokens.shape == (1, count * DIMS.tokens, DIMS.width)
    assert memory.vector.shape == (1, DIMS.style_width)
    assert memory.vector.norm().item() == pytest.approx(1.0, abs=1e-5)
    sums = memory.weights.sum(dim=-1)
    assert torch.allclose(sums, torch.ones_like(sums), atol=1e-5)


def test_the_order_of_references_changes_nothing():
    encoder, set_ = networks().encoder, references(5)
    turned = encoder(set_.flip(1)).vector
    assert torch.allclose(encoder(set_).vector, turned, atol=1e-5)


def test_patches_of_all_references_look_at_each_other():
    encoder, set_ = networks().encoder, references(3)
    changed = set_.clone()
    changed[:, 2] = 1 - changed[:, 2]
    first = slice(0, DIMS.tokens)
    tokens, other = encoder(set_).tokens[:, first], encoder(changed).tokens[:, first]
    assert not torch.allclose(tokens, other, atol=1e-4)


def test_rows_of_the_decoder_sum_to_one_and_showing_them_changes_no_ink():
    own = networks()
    memory = own.encoder(references(3)).tokens.expand(len(TEXTS), -1, -1)
    made, weights = own.generator.shown(contents(), memory)
    assert weights.shape == (
        len(TEXTS), DIMS.decoder_depth, DIMS.heads,
        DIMS.content_grid[0] * DIMS.content_grid[1], 3 * DIMS.tokens,
    )  # fmt: skip
    assert torch.allclose(weights.sum(dim=-1), torch.ones(weights.shape[:-1]), atol=1e-4)
    assert torch.allclose(made, own.generator(contents(), memory), atol=1e-5)
    assert made.shape == (len(TEXTS), 1, 32, 32)
    assert 0 <= made.min().item() <= made.max().item() <= 1


def test_swapped_references_change_the_style_and_not_the_content_that_enters():
    own = networks()
    first = own.generator(contents(), own.encoder(references(3)).tokens.expand(10, -1, -1))
    other = own.generator(contents(), own.encoder(references(3, hand=2)).tokens.expand(10, -1, -1))
    assert not torch.allclose(first, other, atol=1e-5)
    # Untrained already, a text differs more from other texts than from itself in another hand.
    same = (first - other).abs().mean()
    different = (first - first.roll(1, dims=0)).abs().mean()
    assert same < different


@pytest.mark.slow
def test_a_generator_that_learned_writes_the_text_in_the_hand_of_its_references():
    """Overfits three drawn hands: references decide the hand, the content picture the text."""
    game = adversary()
    own, data = game.networks, material()
    torch.manual_seed(3)
    pictures = torch.from_numpy(data.pictures)[:, None].float() / 255
    judges = torch.optim.Adam([*own.reader.parameters(), *own.writers.parameters()], 3e-3)
    letters, hands = game.letters, torch.from_numpy(data.hands)
    said = [data.texts[t] for t in data.text_ids]
    for _ in range(120):
        loss = reading_loss(own.reader, pictures, said, letters)
        loss = loss + F.cross_entropy(own.writers(pictures), hands)
        judges.zero_grad()
        loss.backward()
        judges.step()
    writer = torch.optim.Adam([*own.generator.parameters(), *own.encoder.parameters()], 3e-3)
    by_hand = [references(5, hand=h) for h in range(3)]
    targets = [contents() for _ in range(3)]
    for h in range(3):
        targets[h] = torch.stack(
            [pictures[(data.hands == h) & (data.text_ids == t)][0] for t in range(10)]
        )
    for _ in range(160):
        made = [
            own.generator(contents(), own.encoder(r).tokens.expand(10, -1, -1)) for r in by_hand
        ]
        loss = sum((m - t).abs().mean() for m, t in zip(made, targets, strict=True))
        writer.zero_grad()
        loss.backward()
        writer.step()
    for h, picture in enumerate(made):
        wrong = errors(read(own.reader, picture.detach(), letters), list(TEXTS))
        assert wrong <= 0.2
        assert (own.writers(picture).argmax(dim=1) == h).float().mean() >= 0.9


def test_words_have_a_path_for_every_letter_they_may_have():
    letters = Letters.of_texts(["abc", "de f"])
    reader = reader_for(TINY_WORDS, letters, is_of_words=True)
    assert isinstance(reader, LetterReader)
    pictures = torch.zeros(2, 1, 32, 128)
    assert reader(pictures).shape == (2, 32, len(letters))
    assert torch.isfinite(reading_loss(reader, pictures, ["abc" * 8, "de f"], letters))
    endless = reading_loss(reader, pictures, ["a" * 40, "a"], letters)
    assert torch.isinf(endless)
    assert all(set(text) <= set(letters.characters) for text in read(reader, pictures, letters))


def test_letters_are_numbered_and_named_back():
    letters = Letters.of_texts(["ba", "c"])
    assert letters.numbers("abc") == [1, 2, 3]
    assert letters.text([0, 3, 0, 1]) == "ca"
    assert errors(["ab", ""], ["abc", "d"]) == 0.5


def test_the_discriminator_is_bounded_by_its_spectral_norm():
    judge = Discriminator(DIMS).train()
    for _ in range(30):  # the norm is found by power iteration
        judge(torch.rand(2, 1, 32, 32))
    judge.eval()
    for layer in judge.layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() < 1.1


def test_the_sizes_of_the_paper_fit_each_other():
    assert (PAPER.width, PAPER.heads, PAPER.decoder_depth) == (512, 8, 3)
    assert (PAPER.height_px, PAPER.patch_px, PAPER.tokens) == (224, 16, 196)
    with torch.device("meta"):
        encoder, generator = StyleEncoder(PAPER), Generator(PAPER)
        memory = encoder(torch.zeros(1, 5, 1, 224, 224))
        made = generator(torch.zeros(1, 1, 128, 128), memory.tokens)
    assert memory.tokens.shape == (1, 5 * 196, 512)
    assert made.shape == (1, 1, 128, 128)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"heads": 7}, "128 cannot be shared by 7 heads"),
        ({"height_px": 50}, "50 by 48 pixels cannot be cut"),
        ({"patch_px": 16}, "3 halvings makes patches of 8 pixels, not 16"),
        ({"synthesis_widths": (64, 48)}, "8 pixels and 2 doublings"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(wrong, said):
    with pytest.raises(ModelError, match=said):
        ScriptViTDims(**wrong)


def test_a_model_that_never_learned_to_write_says_so():
    with pytest.raises(ModelError, match="has not learned to write"):
        bundle(generator=None, reader=None).require_writing()
    assert TINY.max_references == 15
