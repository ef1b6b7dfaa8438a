"""What is measured of a scan, and new ink set into it: places stay, looks change."""

import numpy as np
import pytest
import torch

from pipelines.errors import MaterialError
from pipelines.records import Polarity
from tests.training.creativesynth import drawn
from training.families.creativesynth.autoencoder import SurfaceAutoencoder, SurfaceDims
from training.families.creativesynth.ground import bare_ground, masked_blur
from training.families.creativesynth.harmony import harmonised
from training.families.creativesynth.inlay import inlay
from training.families.creativesynth.legibility import judge_ink, require_legible
from training.families.creativesynth.restyle import PageInk, SurfaceRestyler
from training.families.creativesynth.surface import (
    REACH_PX,
    read_scan,
    roughness,
    signed_distance,
    surface_of,
)


@pytest.fixture(scope="module")
def rubbing():
    return read_scan(drawn.scan(), "rubbing")


@pytest.fixture(scope="module")
def sheet():
    return read_scan(drawn.scan(is_rubbing=False), "sheet")


def model(seed=0):
    torch.manual_seed(seed)
    return SurfaceAutoencoder(SurfaceDims(fine=8, coarse=8)).eval()


def surface(scan, seed=0):
    return surface_of(scan, drawn.SHAPE, 7.0, np.random.default_rng(seed))


class TestGround:
    def test_places_without_ink_are_the_scans_own(self):
        rng = np.random.default_rng(2)
        scan = rng.uniform(0, 255, (120, 100, 3)).astype(np.float32)
        inked = np.zeros((120, 100), bool)
        inked[40:60, 30:50] = True
        light = masked_blur(scan, (~inked).astype(np.float32), 5)
        made = bare_ground(scan, light, inked, rng)
        assert np.array_equal(made[~inked], scan[~inked])
        assert not np.array_equal(made[inked], scan[inked])

    def test_what_is_filled_in_has_the_grain_of_the_rest(self):
        rng = np.random.default_rng(2)
        scan = rng.normal(128, 20, (160, 160, 3)).astype(np.float32)
        inked = np.zeros((160, 160), bool)
        inked[60:100, 60:100] = True
        scan[inked] = 0
        light = masked_blur(scan, (~inked).astype(np.float32), 14)
        made = bare_ground(scan, light, inked, rng)
        assert abs(made[inked].mean() - 128) < 4
        assert abs(made[inked].std() - 20) < 3

    def test_a_blur_of_known_places_ignores_the_others(self):
        values = np.full((40, 40, 3), 100, np.float32)
        values[:, 20:] = 200
        weight = np.ones((40, 40), np.float32)
        weight[:, 20:] = 0
        assert np.allclose(masked_blur(values, weight, 3), 100, atol=0.1)


class TestScan:
    def test_polarity_and_strokes_are_those_of_the_scan(self, rubbing, sheet):
        assert rubbing.polarity is Polarity.LIGHT_ON_DARK
        assert sheet.polarity is Polarity.DARK_ON_LIGHT
        assert 6 < rubbing.stroke_px < 14
        assert rubbing.ink_light.mean() > 180 > 80 > rubbing.ground.mean()
        assert sheet.ink_light.mean() < 80 < 180 < sheet.ground.mean()

    def test_the_ink_is_gone_from_the_ground(self, rubbing):
        where = rubbing.ink > 0
        assert rubbing.picture[where].mean() > 150
        assert rubbing.ground[where].mean() < 70

    def test_ink_covers_more_the_deeper_it_is(self, rubbing, sheet):
        for scan in (rubbing, sheet):
            assert len(scan.cover) == 2 * REACH_PX + 1
            assert (np.diff(scan.cover) >= 0).all()
            assert scan.cover[0] == 0
            assert scan.cover[-1] == 1

    def test_a_blank_scan_is_refused(self):
        with pytest.raises(MaterialError, match="sheet is blank") as caught:
            read_scan(drawn.blank(), "sheet")
        assert caught.value.reason == "blank_scan"

    def test_a_grey_scan_is_taken_too(self):
        assert read_scan(drawn.scan()[..., 0], "grey").picture.ndim == 3

    def test_a_surface_is_as_large_as_the_page(self, rubbing):
        for shape in ((100, 60), (700, 500), (200, 900)):
            made = surface_of(rubbing, shape, 7.0, np.random.default_rng(0))
            assert made.ground.shape == made.ink_grain.shape == (*shape, 3)
            assert made.ink.shape == shape

    def test_ragged_edges_are_rougher(self):
        ink, _ = drawn.strokes()
        noise = np.random.default_rng(0).integers(-2, 3, ink.shape)
        ragged = np.where(signed_distance(ink) + noise > 0, 255, 0).astype(np.uint8)
        assert roughness(ragged) > 1.5 * roughness(ink)


class TestInlay:
    def test_strokes_stand_where_the_page_has_them(self, rubbing, sheet):
        ink, _ = drawn.strokes()
        for scan in (rubbing, sheet):
            picture, covered = inlay(ink, surface(scan), np.random.default_rng(0))
            assert picture.shape == (*ink.shape, 3)
            deep, far = signed_distance(ink) > 2, signed_distance(ink) < -5
            assert covered[deep].min() > 0.6
            assert covered[far].max() == 0

    def test_far_from_ink_the_ground_is_the_scans(self, rubbing):
        ink, _ = drawn.strokes()
        made = surface(rubbing)
        picture, _ = inlay(ink, made, np.random.default_rng(0))
        far = signed_distance(ink) < -5
        np.testing.assert_allclose(picture[far], made.ground[far], atol=0.01)

    def test_at_strength_0_ground_and_ink_have_one_tone_each(self, rubbing):
        ink, _ = drawn.strokes()
        picture, covered = inlay(ink, surface(rubbing), np.random.default_rng(0), 0.0)
        assert picture[covered == 0].std(axis=0).max() < 0.05
        assert np.corrcoef(picture[..., 0].ravel(), covered.ravel())[0, 1] > 0.9999


class TestHarmony:
    def test_at_strength_0_nothing_changes(self, rubbing):
        ink, _ = drawn.strokes()
        made = surface(rubbing)
        picture, covered = inlay(ink, made, np.random.default_rng(0))
        assert harmonised(model(), picture, covered, made, 0.0) is picture

    def test_odd_sizes_are_kept(self, rubbing):
        ink, _ = drawn.strokes((151, 213))
        made = surface_of(rubbing, (151, 213), 7.0, np.random.default_rng(0))
        picture, covered = inlay(ink, made, np.random.default_rng(0))
        assert harmonised(model(), picture, covered, made, 1.0).shape == (151, 213, 3)

    def test_a_page_with_the_scans_own_statistics_stays_as_it_is(self, rubbing):
        made = surface(rubbing)
        picture = made.picture.astype(np.float32)
        covered = (made.ink / 255).astype(np.float32)
        found = harmonised(model(), picture, covered, made, 1.0)
        # What counts for ground differs a little: new ink has no halo of its own.
        assert np.abs(found - picture).mean() < 0.5


class TestRestyler:
    @pytest.fixture
    def page(self):
        return PageInk(drawn.strokes()[0], "page")

    @pytest.mark.parametrize("which", ["rubbing", "sheet"])
    def test_the_ink_is_found_again_in_the_polarity_of_the_scan(self, which, page, request):
        scan = request.getfixturevalue(which)
        made = SurfaceRestyler(None).restyle(page, scan, strength=1.0, seed=1)
        found = judge_ink(made.picture, page.ink)
        assert made.polarity is found.polarity is scan.polarity
        assert found.ink_iou > 0.75
        require_legible(found, scan.polarity, "page")

    def test_the_same_seed_makes_the_same_picture(self, page, rubbing):
        restyler = SurfaceRestyler(model())
        first = restyler.restyle(page, rubbing, strength=1.0, seed=1).picture
        again = restyler.restyle(page, rubbing, strength=1.0, seed=1).picture
        assert np.array_equal(first, again)
        assert not np.array_equal(
            restyler.restyle(page, rubbing, strength=1.0, seed=2).picture, first
        )

    def test_seals_are_set_on_paper_and_left_out_on_stone(self, page, rubbing, sheet):
        seals = np.zeros(drawn.SHAPE, np.uint8)
        seals[280:310, 200:230] = 255
        sealed = PageInk(page.ink, "page", seals=seals)
        on_paper = SurfaceRestyler(None).restyle(sealed, sheet, strength=1.0, seed=1)
        assert on_paper.has_seals
        red = on_paper.picture[seals > 0].astype(int).mean(axis=0)
        assert red[0] > red[1] + 60
        assert not SurfaceRestyler(None).restyle(sealed, rubbing, strength=1.0, seed=1).has_seals

    def test_rules_are_set_in_as_ink_is(self, page, sheet):
        rules = np.zeros(drawn.SHAPE, np.uint8)
        rules[:, 4:8] = 255
        plain = SurfaceRestyler(None).restyle(page, sheet, strength=1.0, seed=1).picture
        ruled = SurfaceRestyler(None).restyle(
            PageInk(page.ink, "page", rules=rules), sheet, strength=1.0, seed=1
        )
        assert plain[:, 5:7].mean() - ruled.picture[:, 5:7].mean() > 80

    def test_nothing_is_lost_on_a_clean_sheet(self, page, sheet):
        lost = SurfaceRestyler(None).restyle(page, sheet, strength=1.0, seed=1).lost
        assert (lost > 0).sum() < 0.1 * (page.ink > 127).sum()

    def test_a_page_without_ink_is_refused(self):
        with pytest.raises(MaterialError, match="page has no ink") as caught:
            PageInk(np.zeros(drawn.SHAPE, np.uint8), "page")
        assert caught.value.reason == "no_ink"


class TestLegibility:
    def test_the_same_ink_is_perfect(self):
        ink, _ = drawn.strokes()
        picture = np.repeat(255 - ink[..., None], 3, axis=2)
        found = judge_ink(picture, ink)
        assert found.ink_iou > 0.9
        require_legible(found, Polarity.DARK_ON_LIGHT, "page")

    def test_other_ink_is_refused(self):
        ink, _ = drawn.strokes()
        found = judge_ink(255 - np.roll(ink, 30, axis=(0, 1)), ink)
        with pytest.raises(MaterialError, match="page is not legible enough") as caught:
            require_legible(found, Polarity.DARK_ON_LIGHT, "page")
        assert caught.value.reason == "illegible"

    def test_ink_the_wrong_way_round_is_refused(self):
        ink, _ = drawn.strokes()
        with pytest.raises(MaterialError, match="came out dark_on_light"):
            require_legible(judge_ink(255 - ink, ink), Polarity.LIGHT_ON_DARK, "page")

    def test_another_size_is_an_error(self):
        ink, _ = drawn.strokes()
        with pytest.raises(ValueError, match="must not change the size"):
            judge_ink(ink[:-1], ink)
