"""The surface autoencoder: what it learns, how it is kept, and what stops it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.errors import MaterialError, ModelError
from tests.training.creativesynth import drawn
from training.families.creativesynth.autoencoder import SurfaceAutoencoder, SurfaceDims
from training.families.creativesynth.learning import learn_surfaces
from training.families.creativesynth.objective import Crops, restoring
from training.families.creativesynth.weights import BUNDLED, load_surface, save_surface
from training.loop import LoopParams, fit
from training.recipes.creativesynth import debug
from training.slices import Slice

CPU = torch.device("cpu")


def pictures():
    return [drawn.scan(seed=seed, is_rubbing=bool(seed % 2)) for seed in range(3)]


def test_pictures_come_back_better_after_a_few_steps():
    recipe = replace(debug(), crops_at_once=4)
    recipe = replace(recipe, loop=LoopParams(steps=60, learning_rate=5e-3, warmup_steps=5))
    before = learn_surfaces(
        pictures(), replace(recipe, loop=LoopParams(steps=1)), log=None, device=CPU
    )
    after = learn_surfaces(pictures(), recipe, log=None, device=CPU)
    assert after.held_out == 1
    assert after.psnr_db > before.psnr_db + 5


def test_the_same_slice_has_the_same_loss():
    torch.manual_seed(0)
    model = SurfaceAutoencoder(SurfaceDims(fine=8, coarse=8))
    step = restoring(model, Crops(pictures(), 32), debug())
    first, _ = step(Slice(number=3))
    again, _ = step(Slice(number=3))
    assert torch.equal(first, again)
    assert not torch.equal(step(Slice(number=4))[0], first)


def test_a_loss_that_is_no_number_stops_the_training():
    torch.manual_seed(0)
    model = SurfaceAutoencoder(SurfaceDims(fine=8, coarse=8))
    with torch.no_grad():
        model.to_picture[0].weight.fill_(math.nan)
    step = restoring(model, Crops(pictures(), 32), debug())
    with pytest.raises(ModelError, match="became nan at step 0"):
        fit(model, step, debug().loop)


def test_no_pictures_and_small_ones_are_refused():
    with pytest.raises(MaterialError, match="no pictures to learn surfaces from"):
        Crops([], 32)
    with pytest.raises(MaterialError, match="30 by 20 pixels is smaller than a crop of 32"):
        Crops([np.zeros((20, 30, 3), np.uint8)], 32)


class TestFolder:
    @pytest.fixture
    def kept(self, tmp_path):
        torch.manual_seed(0)
        model = SurfaceAutoencoder(SurfaceDims(fine=8, coarse=8)).eval()
        save_surface(model, {"name": "test"}, tmp_path / "kept", "# card\n", None)
        return model, tmp_path / "kept"

    def test_what_is_kept_is_read_again(self, kept):
        model, folder = kept
        shown = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
        made = load_surface(folder).decode(*load_surface(folder).encode(shown))
        torch.testing.assert_close(made, model.decode(*model.encode(shown)), atol=1e-2, rtol=0)

    def test_another_familys_checkpoint_is_refused(self, kept):
        path = kept[1] / "recipe.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"family": "unicalli"}))
        with pytest.raises(ModelError, match="holds family 'unicalli'"):
            load_surface(kept[1])

    def test_weights_of_other_dimensions_are_refused(self, kept):
        path = kept[1] / "recipe.json"
        said = json.loads(path.read_text()) | {"dims": {"fine": 8, "coarse": 12}}
        path.write_text(json.dumps(said))
        with pytest.raises(ModelError, match="does not fit its recipe"):
            load_surface(kept[1])

    def test_nothing_is_overwritten(self, kept):
        with pytest.raises(ModelError, match="never overwritten"):
            save_surface(kept[0], {}, kept[1], "", None)

    def test_weights_that_are_no_numbers_are_not_written(self, kept, tmp_path):
        with torch.no_grad():
            kept[0].to_picture[0].weight.fill_(math.nan)
        with pytest.raises(ModelError, match="no numbers"):
            save_surface(kept[0], {}, tmp_path / "broken", "", None)
        assert not (tmp_path / "broken").exists()

    def test_the_bundled_one_gives_a_picture_back(self):
        shown = torch.from_numpy(drawn.scan()[:128, :128]).permute(2, 0, 1)[None] / 127.5 - 1
        model = load_surface(BUNDLED)
        error = (model.decode(*model.encode(shown)) - shown).square().mean()
        assert 10 * math.log10(4 / float(error)) > 22
