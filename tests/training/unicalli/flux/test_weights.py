"""FLUX folders and checkpoints on them: every key accounted for, and never a pickle."""

import dataclasses
import importlib.util
import json
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipelines.errors import ModelError
from pipelines.geometry import Box
from tests.training.examples import face, vocabulary
from tests.training.unicalli.flux import miniature
from training.families.unicalli.autoencoder import Autoencoder
from training.families.unicalli.flux.folder import (
    fingerprint,
    open_autoencoder,
    open_in_four_bits,
    open_transformer,
)
from training.families.unicalli.flux.prompts import open_prompts
from training.families.unicalli.flux.weights import (
    FluxBundle,
    FluxChoice,
    built,
    coder_of,
    load_flux_bundle,
    save_flux_bundle,
    sized,
)
from training.families.unicalli.library import build_library
from training.families.unicalli.network import Streams, TextCondition, Times
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.writing import UniCalliWriter, WritingParams
from training.lora import LoraParams
from training.roles import ColumnInk

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return miniature.make(tmp_path_factory.mktemp("flux"))


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "flux")


def changed_weights(folder, change):
    path = folder / "transformer" / WEIGHTS
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_weights_come_as_they_were_saved(folder):
    stored = load_file(folder / "transformer" / WEIGHTS)
    state = open_transformer(folder).state_dict()
    assert stored.keys() == state.keys()
    assert all(torch.equal(stored[name], state[name]) for name in stored)
    assert open_transformer(folder, torch.bfloat16).dtype == torch.bfloat16


def test_sharded_weights_are_the_same(folder):
    from diffusers import FluxTransformer2DModel

    whole = open_transformer(folder).state_dict()
    model = FluxTransformer2DModel.from_pretrained(
        folder / "transformer", local_files_only=True, low_cpu_mem_usage=False
    )
    shutil.rmtree(folder / "transformer")
    model.save_pretrained(folder / "transformer", max_shard_size="100KB")
    assert len(list((folder / "transformer").glob("*.safetensors"))) > 1
    again = open_transformer(folder).state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    next((folder / "transformer").glob("*-00002-*")).unlink()
    with pytest.raises(ModelError, match="missing"):
        open_transformer(folder)


def test_keys_that_are_missing_unknown_or_of_another_shape_are_named(folder):
    def change(tensors):
        del tensors["proj_out.bias"]
        tensors["strange"] = torch.zeros(1)
        tensors["x_embedder.bias"] = torch.zeros(7)

    changed_weights(folder, change)
    with pytest.raises(ModelError) as caught:
        open_transformer(folder)
    said = str(caught.value)
    for part in (
        "1 missing (proj_out.bias)", "1 unknown (strange)", "1 of another shape (x_embedder.bias)",
    ):  # fmt: skip
        assert part in said


def test_another_folder_is_refused(folder, tmp_path):
    with pytest.raises(ModelError, match="There is no .*in diffusers' layout"):
        open_transformer(tmp_path)
    shutil.copy(folder / "vae" / "config.json", folder / "transformer" / "config.json")
    with pytest.raises(ModelError, match="describes a 'AutoencoderKL', not a 'FluxTransformer2D"):
        open_transformer(folder)
    (folder / "vae" / "config.json").write_text("{")
    with pytest.raises(ModelError, match="is not JSON"):
        open_autoencoder(folder)


@pytest.mark.parametrize("damage", ["truncated", "pickled", "pickled elsewhere", "absent"])
def test_broken_weights_are_refused(folder, damage):
    path = folder / "transformer" / WEIGHTS
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "pickled":
        path.write_bytes(pickle.dumps({"model": 1}))
    else:
        path.unlink()
        if damage == "pickled elsewhere":
            (path.parent / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps({}))
    said = {"pickled elsewhere": "is a pickle, which is refused", "absent": "has no diffusion_py"}
    with pytest.raises(ModelError, match=said.get(damage, "no whole safetensors file")):
        open_transformer(folder)


def test_the_autoencoder_scales_and_shifts_as_flux_does(folder):
    coder = open_autoencoder(folder)
    ink = torch.rand(2, 1, 32, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    latents = coder.encode(ink)
    assert latents.shape == (2, 16, 4, 2)
    with torch.no_grad():
        mean = coder.vae.encode(ink.repeat(1, 3, 1, 1)).latent_dist.mean
        assert torch.allclose(latents, (mean - 0.1159) * 0.3611, atol=1e-6)
        decoded = coder.vae.decode(mean).sample.mean(dim=1, keepdim=True)
        assert torch.allclose(coder.decode(latents), decoded.clamp(-1, 1), atol=1e-5)
    assert not any(parameter.requires_grad for parameter in coder.parameters())


def test_prompts_are_read_by_t5_and_clip(folder):
    prompts = open_prompts(folder, 6, torch.float32)
    ids = prompts.ids(["yan zhenqing", ""])
    assert ids.shape == (2, 6 + 12)
    assert ids.any(dim=1).all()
    tokens, pooled = prompts.encode(torch.cat([ids, torch.zeros_like(ids[:1])]))
    assert tokens.shape == (3, 6, 24)
    assert pooled.shape == (3, 20)
    assert not torch.allclose(tokens[0], tokens[1], atol=1e-4)
    assert torch.equal(tokens[1], tokens[2]), "no prompt is the empty prompt"
    again, _ = prompts.encode(ids)
    assert torch.equal(again[0], tokens[0])
    shutil.rmtree(folder / "tokenizer_2")
    with pytest.raises(ModelError, match="has no tokenizer_2"):
        open_prompts(folder, 6, torch.float32)


def test_four_bits_need_what_is_not_here(folder):
    if importlib.util.find_spec("bitsandbytes") and importlib.util.find_spec("accelerate"):
        pytest.skip("bitsandbytes is installed; quantized weights need a GPU to be compared")
    with pytest.raises(ModelError, match="Loading in 4 bits needs .*pip install"):
        open_in_four_bits(folder)


def bundle_of(folder, choice):
    torch.manual_seed(0)
    coder = coder_of(folder, choice)
    dims = sized(miniature.DIMS, coder)
    model = built(folder, dims, len(vocabulary()), choice, torch.float32).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn(parameter.shape))
    return FluxBundle(
        model=model, autoencoder=coder, vocabulary=vocabulary(), choice=choice,
        recipe={"name": "test", "content_font": "drawn", "hands": []},
    )  # fmt: skip


CHOICES = {
    "lora": FluxChoice(lora=LoraParams(rank=2)),
    "all": FluxChoice(lora=None),
    "our own latents and words": FluxChoice(
        lora=LoraParams(rank=2), latents_by_folder=False, prompts_by_folder=False
    ),
}


@torch.no_grad()
@pytest.mark.parametrize("choice", CHOICES.values(), ids=list(CHOICES))
def test_what_was_saved_comes_back_to_the_bit(folder, tmp_path, choice):
    bundle = bundle_of(folder, choice)
    save_flux_bundle(bundle, folder, tmp_path / "model", "# a card\n")
    again = load_flux_bundle(tmp_path / "model", folder)
    assert again.choice == choice
    assert again.vocabulary == bundle.vocabulary
    dims = bundle.model.dims
    shape = (1, dims.latent_channels, dims.cells * dims.latent_side, dims.latent_side)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    half = torch.full((1, dims.cells), 0.5)
    given = (
        Streams(image=noise, content=noise.flip(2), boxes=None),
        TextCondition(
            style=bundle.model.style_ids(["yan zhenqing"]),
            characters=bundle.model.embed_characters(torch.zeros(1, dims.cells).long()),
        ),
        Times(image=half, content=half, boxes=half),
    )
    assert torch.equal(bundle.model(*given).image, again.model(*given).image)
    stored = load_file(tmp_path / "model" / "learned.safetensors")
    whole = sum(p.numel() for p in bundle.model.parameters())
    size = sum(tensor.numel() for name, tensor in stored.items() if name.startswith("model."))
    assert (size == whole) == (choice.lora is None), "what did not change is not written again"
    assert isinstance(again.autoencoder, Autoencoder) != choice.latents_by_folder


def test_a_checkpoint_wants_its_own_flux_and_its_own_keys(folder, tmp_path):
    saved = tmp_path / "model"
    save_flux_bundle(bundle_of(folder, CHOICES["lora"]), folder, saved, "")
    path = saved / "learned.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "model.strange": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=r"1 tensors are missing, extra.*model.strange"):
        load_flux_bundle(saved, folder)
    path.write_bytes(pickle.dumps({}))
    with pytest.raises(ModelError, match="pickled or truncated weights are refused"):
        load_flux_bundle(saved, folder)
    save_file(tensors, path)
    before = fingerprint(folder)
    changed_weights(folder, lambda stored: stored["proj_out.weight"].add_(1))
    assert fingerprint(folder) != before
    with pytest.raises(ModelError, match="was trained from another FLUX checkpoint"):
        load_flux_bundle(saved, folder)
    recipe = json.loads((saved / "recipe.json").read_text())
    (saved / "recipe.json").write_text(json.dumps({**recipe, "family": "other"}))
    with pytest.raises(ModelError, match="other"):
        load_flux_bundle(saved, folder)


def test_all_of_flux_cannot_be_laid_on_four_bits(folder, tmp_path):
    save_flux_bundle(bundle_of(folder, CHOICES["all"]), folder, tmp_path / "m", "")
    with pytest.raises(ModelError, match="only corrections"):
        load_flux_bundle(tmp_path / "m", folder, in_four_bits=True)


def test_sizes_follow_the_autoencoder(folder):
    by_folder = sized(miniature.DIMS, coder_of(folder, FluxChoice()))
    assert by_folder == miniature.DIMS
    own = sized(miniature.DIMS, Autoencoder())
    assert own == dataclasses.replace(miniature.DIMS, latent_channels=4, downsampling=4, patch=4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["whole", "halved"])
def test_it_reads_and_writes_as_our_own_does(folder, tmp_path, dtype):
    save_flux_bundle(bundle_of(folder, CHOICES["lora"]), folder, tmp_path / "model", "")
    bundle = load_flux_bundle(tmp_path / "model", folder, dtype=dtype)
    cell = bundle.model.dims.cell_px
    references = build_library(vocabulary(), face(tmp_path), bundle.autoencoder, cell)
    writer = UniCalliWriter(bundle, references, WritingParams(steps=2))
    written = writer.write_column("一七三", "real, nobody")
    assert written.ink.shape == (3 * cell, cell)
    reader = UniCalliReader(bundle, references, ReadingParams(refuse_below=0.0))
    boxes = tuple(Box(0, cell * k, cell, cell * (k + 1)) for k in range(3))
    (proposals,) = reader.read_columns([ColumnInk(written.ink, boxes)])
    assert len(proposals) == 3
    assert all(0 <= proposal.score <= 1 for proposal in proposals)
