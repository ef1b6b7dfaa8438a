"""Stone and sheet: what each kind of damage does, on bars whose every pixel is known."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.synthesis.fields import clouds, covering, grain, islands, stroke_width
from pipelines.synthesis.scanning import ScanParams, scan
from pipelines.synthesis.sheet import SheetParams, choose_sheet_params, soak
from pipelines.synthesis.stone import StoneParams, choose_stone_params, rub

FRESH_STONE = StoneParams(
    pits_share=0.0,
    roughness=0.0,
    shallow=0.0,
    hollow_share=0.0,
    chips_per_character=0.0,
    losses_per_megapixel=0.0,
    cracks=0,
    cloth=0.0,
    ground_variation=0.0,
)
FRESH_SHEET = SheetParams(
    roughness=0.0,
    ink_variation=0.0,
    dryness=0.0,
    fading=0.0,
    show_through=0.0,
    stains=0,
    foxing_per_megapixel=0.0,
    folds=0,
    rubbed=0.0,
)


@pytest.fixture
def ink():
    """Eight bars 12 pixels wide."""
    drawn = np.zeros((240, 320), np.uint8)
    for left in range(20, 300, 35):
        drawn[30:210, left : left + 12] = 255
    drawn.flags.writeable = False
    return drawn


def rubbed(ink, seed=0, strips=(), **changes):
    rng = np.random.default_rng(seed)
    return rub(ink, np.zeros_like(ink), strips, 8, replace(FRESH_STONE, **changes), rng)


def soaked(ink, seed=0, seals=None, wet=1.0, **changes):
    rng = np.random.default_rng(seed)
    wetness = np.full((30, 40), wet, np.float32)
    seals = np.zeros_like(ink) if seals is None else seals
    params = replace(FRESH_SHEET, **changes)
    return soak(ink, np.zeros_like(ink), seals, wetness, None, params, rng)


@pytest.mark.parametrize("make", [rubbed, soaked])
def test_without_damage_the_ink_is_all_there_and_nothing_is_marked(ink, make):
    surface = make(ink)
    assert surface.loss.max() == 0
    assert (surface.damage > 0).mean() < 0.001
    assert np.mean((surface.ink > 127) != (ink > 127)) < 0.02


def test_a_rubbing_is_light_on_dark_and_a_sheet_dark_on_light(ink):
    inside = ink > 127
    stone, sheet = rubbed(ink).light.mean(axis=0), soaked(ink).light.mean(axis=0)
    assert stone[inside].mean() - stone[~inside].mean() > 150
    assert sheet[~inside].mean() - sheet[inside].mean() > 130


@pytest.mark.parametrize("wear", [0.0, 0.5, 1.0])
def test_at_any_wear_most_of_the_ink_survives(ink, wear):
    rng = np.random.default_rng(3)
    stone = rub(ink, np.zeros_like(ink), (), 8, choose_stone_params(wear, 110, rng), rng)
    sheet = soak(
        ink,
        np.zeros_like(ink),
        np.zeros_like(ink),
        np.ones((3, 4), np.float32),
        None,
        choose_sheet_params(wear, rng=rng),
        rng,
    )
    for surface in (stone, sheet):
        assert surface.loss[surface.ink > 127].mean() / 255 < 0.5
        assert surface.loss[surface.ink <= 127].max() == 0


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_pits_cover_their_share(share):
    blank = np.zeros((400, 400), np.uint8)
    seen = rubbed(blank, pits_share=share, pits_variation=0.0).light[0] > 120
    assert 0.7 * share < seen.mean() < 1.4 * share


def test_pits_are_damage_and_not_ink(ink):
    surface = rubbed(ink, pits_share=0.2)
    assert (surface.damage[ink == 0] > 0).mean() > 0.08
    assert np.mean((surface.ink > 127) != (ink > 127)) < 0.02


def test_losses_and_chips_take_strokes(ink):
    for changes in ({"losses_per_megapixel": 60.0}, {"chips_per_character": 4.0, "chip_px": 20.0}):
        surface = rubbed(ink, **changes)
        assert 0.02 < (surface.loss[ink > 127] > 127).mean() < 0.95
        assert (surface.damage > 0).any()


def test_hollow_strokes_are_black_inside_and_white_at_their_edges(ink):
    wide = np.zeros_like(ink)
    wide[40:200, 60:100] = 255
    light = rubbed(wide, hollow_share=0.5).light[0]
    assert (light[50:190, 68:92] < 110).mean() > 0.2
    assert (light[50:190, 61:62] < 110).mean() < 0.05


def test_worn_strokes_break_and_what_was_cut_stays_known(ink):
    surface = rubbed(ink, shallow=1.0, roughness=0.8)
    assert (surface.loss > 127).sum() > 0
    assert np.mean((surface.ink > 127) != (ink > 127)) < 0.05


def test_weight_moves_the_edges_of_truth_and_picture_alike(ink):
    areas = []
    for weight in (-0.3, 0.0, 0.3):
        surface = rubbed(ink, weight=weight)
        seen = surface.light[0] > 120
        areas.append(int(seen.sum()))
        assert np.mean(seen != (surface.ink > 127)) < 0.05
    assert areas == sorted(areas)
    assert areas[0] < areas[2]


def test_strips_have_dark_bands_without_grain(ink):
    light = rubbed(ink, strips=(161,), pits_share=0.3, band_px=10.0).light[0]
    assert (light[:, 159:163] > 120).mean() < (light[:, 120:125] > 120).mean() / 2


def test_a_dry_brush_flies_white_and_a_wet_one_does_not(ink):
    wet = soaked(ink, wet=1.0, dryness=0.8)
    dry = soaked(ink, wet=0.0, dryness=0.8)
    inside = ink > 127
    assert dry.light[:, inside].mean() > wet.light[:, inside].mean() + 10


def test_seals_redden_the_sheet_and_stay_out_of_the_ink(ink):
    seals = np.zeros_like(ink)
    seals[5:25, 5:25] = 255
    surface = soaked(ink, seals=seals)
    red, _, blue = surface.light[:, 10:20, 10:20].mean(axis=(1, 2))
    assert red - blue > 60
    assert surface.ink[5:25, 5:25].max() == 0


def test_worm_holes_are_damage(ink):
    surface = soaked(ink, worm_holes=12, backing=20.0)
    assert (surface.damage > 0).sum() > 100
    assert surface.loss.max() == 255


@pytest.mark.parametrize("make", [rubbed, soaked])
def test_the_same_state_gives_the_same_bytes_and_inputs_stay(ink, make):
    worn = {"roughness": 0.5}
    one, other, third = make(ink, 1, **worn), make(ink, 1, **worn), make(ink, 2, **worn)
    assert np.array_equal(one.light, other.light)
    assert np.array_equal(one.damage, other.damage)
    assert not np.array_equal(one.light, third.light)


def test_a_scan_keeps_size_and_shows_its_bed():
    params = ScanParams(bed_px=(5, 0, 0, 0), bed=10.0, blur_px=0.0, noise=0.0, jpeg_quality=0)
    picture = scan(np.full((3, 60, 80), 200, np.float32), params, np.random.default_rng(0))
    assert picture.shape == (60, 80, 3)
    assert (picture[:, :5] == 10).all()
    assert picture[:, 6:].min() > 150


def test_a_grey_scan_has_no_colour():
    params = ScanParams(is_grey=True, jpeg_quality=0)
    light = np.ones((3, 40, 40), np.float32) * np.array(
        [[[200.0]], [[120.0]], [[40.0]]], np.float32
    )
    picture = scan(light, params, np.random.default_rng(0))
    assert (picture == picture[..., :1]).all()


@pytest.mark.parametrize("share", [0.005, 0.05, 0.4])
def test_grain_covers_exactly_the_share_it_is_asked_for(share, rng):
    covered = covering(grain((500, 500), 2.5, rng), share, 50.0)
    assert abs(covered.mean() - share) < 0.15 * share + 0.002


def test_clouds_are_centred_and_of_unit_deviation(rng):
    for scale in (5, 20, 60):
        values = np.stack([clouds((300, 200), scale, rng) for _ in range(6)])
        assert abs(values.mean()) < 0.35
        assert 0.7 < values.std() < 1.3


def test_islands_lie_where_they_are_wanted(rng):
    lost = islands((200, 200), np.array([[60.0, 120.0]]), np.array([20.0]), rng)
    ys, xs = np.nonzero(lost > 0.5)
    assert abs(xs.mean() - 60) < 12
    assert abs(ys.mean() - 120) < 12
    assert 200 < xs.size < 5000


def test_the_width_of_strokes_is_found(ink):
    assert 6 < stroke_width(ink) < 18
    assert stroke_width(np.zeros((20, 20), np.uint8)) == 1.0
