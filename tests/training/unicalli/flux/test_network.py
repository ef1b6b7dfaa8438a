"""The network on FLUX: the weights are used as FLUX uses them, and learn what is asked."""

import dataclasses

import pytest
import torch
from diffusers import FluxTransformer2DModel

from pipelines.errors import ModelError
from tests.training.examples import CHARACTERS, vocabulary
from tests.training.unicalli.flux import miniature
from training.families.unicalli.conditioning import encode_columns, library_rows
from training.families.unicalli.flux.folder import open_autoencoder, open_transformer
from training.families.unicalli.flux.network import UniCalliFlux
from training.families.unicalli.flux.weights import FluxChoice, built, is_adapted
from training.families.unicalli.network import Streams, TextCondition, Times
from training.families.unicalli.objective import PAPER, RELEASED, column_loss
from training.loop import LoopParams, fit
from training.lora import AdaptedLinear, LoraParams, adapt
from training.recipes import unicalli as recipes

COUNT, CELLS = 2, miniature.DIMS.cells
FORMS = ["stream", "place", "rotation"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return miniature.make(tmp_path_factory.mktemp("flux"))


def network(folder, **changes):
    torch.manual_seed(1)
    dims = dataclasses.replace(miniature.DIMS, **changes)
    return UniCalliFlux(open_transformer(folder), dims, len(CHARACTERS)).eval()


def inputs(seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (COUNT, 16, CELLS * 2, 2)
    image, content, boxes = (torch.randn(shape, generator=generator) for _ in range(3))
    text = TextCondition(
        style=torch.tensor([[3, 5, 0, 0, 0, 0], [7, 0, 0, 0, 0, 0]]),
        characters=torch.randn(COUNT, CELLS, 8, generator=generator),
    )
    return Streams(image=image, content=content, boxes=boxes), text


def times(image, content):
    return Times.even(
        CELLS, image=torch.full((COUNT,), image), content=torch.full((COUNT,), content)
    )


@torch.no_grad()
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("time", [0.0, 0.7])
def test_with_one_stream_it_is_flux_itself(folder, form, time):
    """The same tokens through diffusers' own forward: the weights are used as FLUX uses them."""
    theirs = open_transformer(folder).eval()
    ours = network(folder, modality=form)
    streams, text = inputs()
    nobody = TextCondition(style=text.style, characters=text.characters[:, :0])
    at = torch.full((COUNT, CELLS), time)
    (found,) = ours.think([(streams.image, at)], nobody, at)
    said, pooled = ours._said(text.style)
    rows, columns = torch.meshgrid(torch.arange(CELLS), torch.arange(1), indexing="ij")
    ids = torch.stack([torch.zeros_like(rows), rows, columns], dim=-1).reshape(-1, 3).float()
    expected = theirs(
        hidden_states=ours._patch(streams.image),
        encoder_hidden_states=said,
        pooled_projections=pooled,
        timestep=torch.full((COUNT,), time),
        guidance=torch.full((COUNT,), ours.dims.guidance),
        img_ids=ids,
        txt_ids=torch.zeros(said.shape[1], 3),
    ).sample
    assert expected.std() > 0.01
    assert torch.allclose(ours._patch(found), expected, atol=1e-5)


def test_every_key_is_flux_or_named_as_new(folder):
    theirs = set(open_transformer(folder).state_dict())
    ours = network(folder)
    new = ours.new_names()
    assert set(ours.state_dict()) == theirs | set(new)
    assert not theirs & set(new)
    assert {name.split(".")[0] for name in new} == {
        "modality", "character_table", "character_in", "log_temperature",
        "style_table", "style_in",
    }  # fmt: skip


@torch.no_grad()
def test_streams_and_cells_have_times_of_their_own(folder):
    ours, (streams, text) = network(folder), inputs()
    even = ours.velocity(streams, text, times(0.5, 0.0))
    later = ours.velocity(streams, text, times(0.5, 0.9))
    given = times(0.5, 0.0).image.clone()
    given[:, 0] = 0.0
    one = ours.velocity(
        streams, text, Times(image=given, content=times(0.5, 0.0).content, boxes=given)
    )
    for other in (later, one):
        for name in ("image", "content", "boxes"):
            difference = getattr(even, name) - getattr(other, name)
            assert difference.abs().max() > 1e-5, name


@torch.no_grad()
def test_data_is_what_the_velocity_leads_to(folder):
    ours, (streams, text) = network(folder), inputs()
    at = times(0.6, 0.0)
    moved, clean = ours.velocity(streams, text, at), ours(streams, text, at)
    assert torch.allclose(clean.image, streams.image - 0.6 * moved.image, atol=1e-6)
    assert torch.equal(clean.content, streams.content), "what is clean stays as it is"
    assert torch.equal(ours.read(streams, text, at), clean.content)
    alone = dataclasses.replace(streams, boxes=None)
    assert ours(alone, text, at).boxes is None


@torch.no_grad()
def test_locating_takes_what_is_shared_once(folder):
    ours, (streams, text) = network(folder), inputs()
    once = Streams(image=streams.image, content=streams.content[:1], boxes=streams.boxes[:1])
    said = TextCondition(style=text.style[:1], characters=text.characters[:1])
    one = torch.ones(1)
    at = Times.even(CELLS, image=0 * one, content=one, boxes=one)
    content, boxes = ours.locate(once, said, at)
    assert content.shape == boxes.shape == streams.image.shape
    alone = dataclasses.replace(once, image=streams.image[1:])
    assert torch.allclose(ours.locate(alone, said, at)[1], boxes[1:], atol=1e-5)
    with pytest.raises(ValueError, match="box map"):
        ours.locate(dataclasses.replace(streams, boxes=None), text, at)


@pytest.mark.parametrize("form", FORMS)
def test_what_tells_streams_apart_is_learned_from_nothing(folder, form):
    ours, (streams, text) = network(folder, modality=form), inputs()
    assert not ours.modality.any()
    before = ours.velocity(streams, text, times(0.5, 0.5)).content
    before.square().sum().backward()
    assert ours.modality.grad.any()
    with torch.no_grad():
        ours.modality[1].normal_()
        after = ours.velocity(streams, text, times(0.5, 0.5)).content
    assert not torch.allclose(before, after, atol=1e-5)


def batch_of(ours, coder, references):
    ids = torch.tensor([[0, 1, 2, 3, 4], [4, 3, 2, 1, -1]])
    generator = torch.Generator().manual_seed(0)
    side = miniature.DIMS.cell_px
    return encode_columns(
        torch.rand(2, 1, CELLS * side, side, generator=generator) * 2 - 1,
        torch.ones(2, 1, CELLS * side, side),
        ids,
        ours.style_ids(["synthetic, ma shan zheng"] * 2),
        coder,
        references,
        library_rows(vocabulary(), references),
    )


@pytest.fixture(scope="module")
def coded(folder, tmp_path_factory):
    from tests.training.examples import face
    from training.families.unicalli.library import build_library

    coder = open_autoencoder(folder)
    drawn = face(tmp_path_factory.mktemp("font"))
    return coder, build_library(vocabulary(), drawn, coder, miniature.DIMS.cell_px)


@pytest.mark.parametrize("corrected", [False, True], ids=["all", "lora"])
def test_a_few_steps_lower_the_loss_of_a_fixed_batch(folder, coded, corrected):
    ours, (coder, references) = network(folder), coded
    if corrected:
        adapt(ours, LoraParams(rank=8, alpha=32.0), is_adapted)
    batch = batch_of(ours, coder, references)

    def step(_):
        return column_loss(
            ours, batch, references, PAPER, "write", torch.Generator().manual_seed(5)
        )

    before = step(0)[0].item()
    ours.train()
    fit(ours, step, LoopParams(steps=12, learning_rate=1e-2, warmup_steps=1, average_decay=0.0))
    assert step(0)[0].item() < 0.95 * before


def test_corrections_are_learned_beside_halved_weights(folder, coded):
    """What the recipe does on a GPU, in bfloat16 of the CPU."""
    torch.manual_seed(1)
    choice = FluxChoice(lora=LoraParams(rank=4))
    ours = built(folder, miniature.DIMS, len(CHARACTERS), choice, torch.bfloat16)
    ours.recomputes = True
    coder, references = coded
    batch = batch_of(ours, coder, references)

    def step(_):
        return column_loss(ours, batch, references, PAPER, "read", torch.Generator().manual_seed(5))

    before = step(0)[0].item()
    frozen = ours.transformer_blocks[0].attn.to_q.layer.weight
    assert frozen.dtype == torch.bfloat16
    kept = frozen.clone()
    params = LoopParams(
        steps=10, learning_rate=1e-2, warmup_steps=1, average_decay=0.0, precision="bfloat16"
    )
    ours.train()
    fit(ours, step, params)
    assert step(0)[0].item() < before
    assert torch.equal(frozen, kept)
    learned = {p.dtype for p in ours.parameters() if p.requires_grad}
    assert learned == {torch.float32}


@pytest.mark.parametrize("mode", ["read", "write"])
def test_the_loss_is_that_of_the_paper(folder, coded, mode):
    """Mean squared error of the velocity, the given streams weighted with lambda."""
    ours, (coder, references) = network(folder), coded
    batch = batch_of(ours, coder, references)
    loss, parts = column_loss(
        ours, batch, references, PAPER, mode, torch.Generator().manual_seed(5)
    )
    main, side = ["content"], ["image", "boxes"]
    if mode == "write":
        main, side = side, main
    expected = sum(parts[f"{mode}_{n}"] for n in main) + 0.02 * sum(
        parts[f"{mode}_{n}"] for n in side
    )
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    assert all(parts[f"{mode}_{n}"] > 0.1 for n in side), "given streams have velocities too"
    _, released = column_loss(
        ours, batch, references, RELEASED, mode, torch.Generator().manual_seed(5)
    )
    assert set(released) == {f"{mode}_image", f"{mode}_content"}


def test_recomputing_changes_no_gradient(folder):
    found = []
    for recomputes in (False, True):
        ours, (streams, text) = network(folder).train(), inputs()
        ours.recomputes = recomputes
        ours.velocity(streams, text, times(0.5, 0.2)).image.square().sum().backward()
        found.append(ours.transformer_blocks[0].attn.to_q.weight.grad)
    assert torch.equal(*found)


@torch.no_grad()
def test_corrections_at_scale_nought_are_flux_to_the_bit(folder):
    streams, text = inputs()
    before = network(folder)(streams, text, times(0.5, 0.5))
    ours = network(folder)
    learned = adapt(ours, LoraParams(rank=2), is_adapted)
    assert 0 < learned < 0.2 * sum(p.numel() for p in ours.parameters())
    corrections = [m for m in ours.modules() if isinstance(m, AdaptedLinear)]
    assert torch.equal(ours(streams, text, times(0.5, 0.5)).image, before.image)
    for correction in corrections:
        correction.up.normal_()
    assert not torch.equal(ours(streams, text, times(0.5, 0.5)).image, before.image)
    for correction in corrections:
        correction.scale = 0.0
    assert torch.equal(ours(streams, text, times(0.5, 0.5)).image, before.image)


def test_latents_that_do_not_fill_a_token_are_refused(folder):
    with pytest.raises(ModelError, match="FLUX takes tokens of 64 numbers; 4 channels"):
        network(folder, latent_channels=4)
    own = network(folder, latent_channels=4, downsampling=4, patch=4)
    assert own.dims.token_side == 1


def test_the_recipe_fits_flux_dev():
    """The real sizes, without memory: diffusers' defaults are those of FLUX.1-dev."""
    recipe = recipes.flux()
    with torch.device("meta"):
        transformer = FluxTransformer2DModel(guidance_embeds=True)
        ours = UniCalliFlux(transformer, recipe.dims, recipe.vocabulary_size)
        new = set(ours.new_names())
        sizes = {name: parameter.numel() for name, parameter in ours.named_parameters()}
        learned = adapt(ours, recipe.choice.lora, is_adapted)
    assert sum(size for name, size in sizes.items() if name not in new) == 11_901_408_320
    assert learned == 522_977_280, "one twentieth of FLUX"
    assert recipe.dims.token_side**2 * recipe.dims.cells == 320, "tokens of a stream, as published"
    assert recipe.needs_gpu
    assert recipe.columns.precision == "bfloat16"
