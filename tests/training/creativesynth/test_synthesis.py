"""The SDXL path on a miniature of random weights: attention, inversion, tasks, refusals."""

import json
import math
import pickle
import shutil

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0

from pipelines.errors import ModelError
from training.families.creativesynth import miniature
from training.families.creativesynth.artbn import ArtBNMode, Direction
from training.families.creativesynth.attention import SharingParams
from training.families.creativesynth.folder import open_sdxl
from training.families.creativesynth.inversion import KeepReference, inverted, replayed
from training.families.creativesynth.synthesis import SynthesisParams, Task, synthesise

CPU = torch.device("cpu")
SIDE = 32
PARAMS = SynthesisParams(steps=3, side_px=SIDE)


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def made(sdxl, task=Task.VARIATION, params=PARAMS, seed=1, **others):
    return synthesise(
        sdxl, picture(1), task, artwork_prompt="stone", prompt="ink", params=params, seed=seed,
        **others,
    )  # fmt: skip


def latents(sdxl, *, rows=1, like=None, **others):
    """What the pipeline itself makes of fixed noise."""
    generator = torch.Generator().manual_seed(2)
    start = torch.randn(rows, 4, SIDE // 2, SIDE // 2, generator=generator)
    if like is not None:
        others["ip_adapter_image"] = like
    result = sdxl.pipe(
        prompt=["ink"] * rows, height=SIDE, width=SIDE, num_inference_steps=3, guidance_scale=1.0,
        latents=start, output_type="latent", **others,
    )  # fmt: skip
    return result.images


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("sdxl")
    return miniature.make_sdxl(root / "sdxl"), miniature.make_ip_adapter(root / "adapter")


@pytest.fixture
def sdxl(folders):
    return open_sdxl(folders[0], None, CPU)


@pytest.fixture
def seeing(folders):
    return open_sdxl(*folders, CPU)


class TestAttention:
    def test_without_sharing_and_pictures_it_is_the_plain_pipeline(self, sdxl):
        sdxl.pipe.unet.set_attn_processor(AttnProcessor2_0())
        plain = latents(sdxl, rows=2)
        sdxl.attend(None)
        assert torch.equal(latents(sdxl, rows=2), plain)

    def test_at_scale_0_a_picture_changes_nothing(self, sdxl, seeing):
        sdxl.pipe.unet.set_attn_processor(AttnProcessor2_0())
        plain = latents(sdxl)
        seeing.attend(None, image_scale=0.0)
        assert torch.equal(latents(seeing, like=_pil(7)), plain)

    def test_the_adapter_sees_as_diffusers_own_processors_do(self, seeing):
        seeing.pipe.set_ip_adapter_scale(0.5)
        theirs = latents(seeing, like=_pil(7))
        seeing.attend(None, image_scale=0.5)
        torch.testing.assert_close(latents(seeing, like=_pil(7)), theirs)
        seeing.attend(None, image_scale=0.0)
        assert not torch.allclose(latents(seeing, like=_pil(7)), theirs, atol=1e-3)

    def test_a_reference_that_weighs_nothing_is_not_seen(self, sdxl):
        sdxl.attend(None)
        plain = latents(sdxl, rows=2)
        unseen = SharingParams(mode=ArtBNMode.NONE, reference_shift=-math.inf)
        sdxl.attend(unseen, rows=2)
        torch.testing.assert_close(latents(sdxl, rows=2), plain, atol=1e-4, rtol=0)

    @pytest.mark.parametrize("direction", list(Direction))
    @pytest.mark.parametrize("mode", list(ArtBNMode))
    def test_sharing_changes_every_row_but_the_reference(self, sdxl, mode, direction):
        sdxl.attend(None)
        plain = latents(sdxl, rows=2)
        sdxl.attend(SharingParams(mode=mode, direction=direction), rows=2)
        shared = latents(sdxl, rows=2)
        torch.testing.assert_close(shared[0], plain[0], atol=1e-4, rtol=0)
        assert not torch.allclose(shared[1], plain[1], atol=1e-3)

    def test_layers_before_the_first_one_do_not_share(self, sdxl):
        sdxl.attend(None)
        plain = latents(sdxl, rows=2)
        sdxl.attend(SharingParams(first_layer=100), rows=2)
        assert torch.equal(latents(sdxl, rows=2), plain)

    def test_the_reference_row_does_not_see_the_picture(self, seeing):
        seeing.attend(None, rows=2)
        plain = latents(seeing, rows=2, like=_pil(7))
        seeing.attend(None, rows=2, image_scale=0.5)
        shown = latents(seeing, rows=2, like=_pil(7))
        torch.testing.assert_close(shown[0], plain[0])
        assert not torch.allclose(shown[1], plain[1], atol=1e-3)


class TestInversion:
    def test_a_picture_comes_back_from_its_noise(self, sdxl):
        levels = sdxl.levels(10)
        errors = []
        for refinements in (0, 6):
            found = inverted(sdxl, picture(1), "stone", levels, refinements)
            again = replayed(sdxl, found[-1], "stone", picture(1), 10)
            errors.append(float((again - found[0]).abs().mean() / found[0].abs().mean()))
        assert len(found) == 11
        assert errors[0] < 0.2
        assert errors[1] < 1e-3

    def test_levels_are_those_that_the_pipeline_steps_through(self, sdxl):
        levels = sdxl.levels(10)
        assert list(levels.timesteps) == sorted(int(t) for t in sdxl.pipe.scheduler.timesteps)
        assert list(levels.alphas) == sorted(levels.alphas, reverse=True)

    def test_the_callback_keeps_the_reference_to_the_bit(self, sdxl):
        found = inverted(sdxl, picture(1), "stone", sdxl.levels(4))
        keep, seen = KeepReference(found), []

        def watched(pipe, step, timestep, tensors):
            given = keep(pipe, step, timestep, tensors)
            seen.append(given["latents"].clone())
            return given

        start = torch.cat([found[-1], found[-1]])
        sdxl.pipe(
            prompt=["stone", "ink"], height=SIDE, width=SIDE, num_inference_steps=4,
            guidance_scale=5.0, latents=start, output_type="latent", callback_on_step_end=watched,
        )  # fmt: skip
        assert len(seen) == 4
        for step, after in enumerate(seen):
            assert torch.equal(after[0], found[3 - step][0])
        assert not torch.equal(seen[-1][1], found[0][0])

    def test_values_that_are_no_numbers_are_refused(self, sdxl):
        with torch.no_grad():
            sdxl.pipe.unet.conv_in.weight.fill_(math.nan)
        with pytest.raises(ModelError, match="no numbers"):
            inverted(sdxl, picture(1), "stone", sdxl.levels(2))


class TestTasks:
    def test_the_same_seed_makes_the_same_variation(self, sdxl):
        first = made(sdxl)
        assert first.shape == (SIDE, SIDE, 3)
        assert np.array_equal(made(sdxl), first)
        assert not np.array_equal(made(sdxl, seed=2), first)

    def test_editing_starts_from_the_artwork_and_follows_the_prompt(self, sdxl):
        first = made(sdxl, Task.EDITING)
        assert np.array_equal(made(sdxl, Task.EDITING, seed=9), first)
        other = synthesise(
            sdxl, picture(1), Task.EDITING, artwork_prompt="stone", prompt="snow", params=PARAMS,
            seed=1,
        )  # fmt: skip
        assert not np.array_equal(other, first)

    def test_fusion_brings_the_other_picture_in(self, seeing):
        first = made(seeing, Task.FUSION, semantic=picture(2))
        assert not np.array_equal(made(seeing, Task.FUSION, semantic=picture(3)), first)

    def test_a_layout_says_where_things_stand(self, sdxl):
        first = made(sdxl, Task.EDITING, layout=picture(2))
        assert not np.array_equal(made(sdxl, Task.EDITING, layout=picture(3)), first)

    def test_fusion_without_an_adapter_or_a_picture_is_refused(self, sdxl, seeing):
        with pytest.raises(ModelError, match="needs an IP-Adapter"):
            made(sdxl, Task.FUSION, semantic=picture(2))
        with pytest.raises(ModelError, match="needs another picture"):
            made(seeing, Task.FUSION)


class TestFolders:
    @pytest.fixture
    def copy(self, folders, tmp_path):
        return shutil.copytree(folders[0], tmp_path / "sdxl")

    def test_an_empty_folder_is_refused(self, tmp_path):
        with pytest.raises(ModelError, match=r"no SDXL folder: model_index\.json is missing"):
            open_sdxl(tmp_path, None, CPU)

    def test_another_pipeline_is_refused(self, copy):
        path = copy / "model_index.json"
        index = json.loads(path.read_text()) | {"_class_name": "FluxPipeline"}
        path.write_text(json.dumps(index))
        with pytest.raises(ModelError, match="holds a 'FluxPipeline'"):
            open_sdxl(copy, None, CPU)

    def test_pickles_are_refused(self, copy):
        (weights,) = (copy / "unet").glob("*.safetensors")
        weights.unlink()
        (copy / "unet" / "diffusion_pytorch_model.bin").write_bytes(pickle.dumps({}))
        with pytest.raises(ModelError, match="no safetensors weights"):
            open_sdxl(copy, None, CPU)

    def test_weights_of_another_size_are_refused(self, copy):
        path = copy / "unet" / "config.json"
        config = json.loads(path.read_text()) | {"layers_per_block": 2}
        path.write_text(json.dumps(config))
        with pytest.raises(ModelError, match=r"fit"):
            open_sdxl(copy, None, CPU)

    def test_truncated_weights_are_refused(self, copy):
        (weights,) = (copy / "vae").glob("*.safetensors")
        weights.write_bytes(weights.read_bytes()[:1000])
        with pytest.raises(ModelError, match="no whole SDXL folder"):
            open_sdxl(copy, None, CPU)

    def test_a_folder_without_an_adapter_is_refused(self, folders, tmp_path):
        with pytest.raises(ModelError, match="no IP-Adapter folder"):
            open_sdxl(folders[0], tmp_path, CPU)


def _pil(seed):
    from PIL import Image

    return Image.fromarray(picture(seed))
