"""Decoding: every container and pixel kind, and every way in which a file can be bad."""

import io

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import UnreadableImage
from pipelines.imaging.codec import (
    CodecParams,
    decode_pages,
    open_document,
    probe,
)
from tests.pipelines.imaging.files import (
    colour_page,
    frame_offsets,
    jp2_in_parts,
    pdf_of,
    png_claiming,
    saved,
    tiff_entry,
    tiff_of,
    tiff_with_broken_page,
    written_page,
)


def decode_one(data, file_name="page.png", params=None):
    pages = list(decode_pages(data, file_name, params or CodecParams()))
    assert len(pages) == 1
    return pages[0]


def refusal(data, file_name="page.png", params=None):
    with pytest.raises(UnreadableImage) as caught:
        list(decode_pages(data, file_name, params or CodecParams()))
    return caught.value


# --- containers


@pytest.mark.parametrize(
    ("file_format", "media_type", "options"),
    [
        ("PNG", "image/png", {}),
        ("TIFF", "image/tiff", {}),
        ("TIFF", "image/tiff", {"compression": "tiff_lzw"}),
        ("TIFF", "image/tiff", {"big_tiff": True}),
        ("JPEG2000", "image/jp2", {}),
        ("JPEG2000", "image/jp2", {"no_jp2": True}),
        ("WEBP", "image/webp", {"lossless": True}),
        ("BMP", "image/bmp", {}),
    ],
)
def test_lossless_containers_give_the_exact_pixels(file_format, media_type, options):
    page = colour_page()
    data = saved(page, file_format, **options)
    assert probe(data, "page").media_type == media_type
    assert np.array_equal(decode_one(data), page)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_jpeg_gives_nearly_the_pixels(options):
    page = colour_page()
    decoded = decode_one(saved(page, "JPEG", quality=95, subsampling=0, **options))
    assert np.abs(decoded.astype(int) - page).mean() < 3


def test_gif_gives_its_first_frame():
    page = written_page()
    data = saved(page, "GIF", save_all=True, append_images=[Image.fromarray(255 - page)])
    assert probe(data, "page.gif").page_count == 1
    assert np.array_equal(decode_one(data), page)


def test_pdf_pages_are_rendered_at_the_named_resolution():
    data = pdf_of((144, 288), (72, 72))
    with open_document(data, "a.pdf", CodecParams(pdf_dpi=100)) as document:
        assert document.probe.page_count == 2
        first, second = document.decode(0), document.decode(1)
    assert first.shape == (400, 200)
    assert (second == 0).all()  # the square covers the second page
    assert first[-1, 0] == 0  # lower left, as PDF counts from below
    assert first[0, 0] == 255


def test_a_huge_pdf_page_is_rendered_smaller_than_the_limit():
    page = decode_one(pdf_of((14400, 14400)), params=CodecParams(max_pixels=1_000_000))
    assert 900_000 < page.size <= 1_000_000


def test_tiff_pages_come_in_order_and_thumbnails_do_not_count():
    images = [written_page(seed=seed) for seed in range(3)]
    data = bytearray(tiff_of(images, tiffinfo={254: 0}))
    entry = tiff_entry(data, frame_offsets(data)[1], 254)
    data[entry + 8] = 1  # the second frame is a reduced copy
    assert probe(bytes(data), "a.tif").page_count == 2
    first, second = decode_pages(bytes(data), "a.tif")
    assert np.array_equal(first, images[0])
    assert np.array_equal(second, images[2])


def test_the_content_decides_and_a_wrong_name_is_noted():
    data = saved(colour_page(), "JPEG")
    found = probe(data, "page.png")
    assert found.media_type == "image/jpeg"
    assert found.note == "The name ends in .png, the content is image/jpeg."
    assert probe(data, "page.JPG").note == ""


# --- orientation and pixel kinds


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_baked_in_pixel_by_pixel(orientation, file_format):
    upright = colour_page()
    # How a camera held that way stores the upright picture: the inverse of what EXIF asks for.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if file_format == "WEBP" else {}
    data = saved(np.ascontiguousarray(stored), file_format, exif=exif, **options)
    assert np.array_equal(decode_one(data), upright)


def test_jpeg_orientation_turns_the_page():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode_one(saved(colour_page(48, 32), "JPEG", exif=exif)).shape == (32, 48, 3)


def test_cmyk_becomes_rgb():
    white_and_red = np.array([[[255, 255, 255], [255, 0, 0]]], np.uint8).repeat(8, 0).repeat(8, 1)
    image = Image.fromarray(white_and_red).convert("CMYK")
    decoded = decode_one(saved(image, "TIFF"))
    assert np.array_equal(decoded, white_and_red)
    decoded = decode_one(saved(image, "JPEG", quality=100))
    assert np.abs(decoded.astype(int) - white_and_red).max() < 12


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "JPEG2000"])
def test_sixteen_bit_keeps_the_tones(file_format):
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    decoded = decode_one(saved(ramp, file_format))
    assert decoded.dtype == np.uint8
    assert np.abs(decoded - ramp / 257.0).max() <= 0.51


def test_float_grey_from_zero_to_one_is_taken_and_measurements_are_not():
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    assert decode_one(saved(ramp, "TIFF")).ravel().tolist() == list(range(256))
    error = refusal(saved(ramp - 20, "TIFF"), "dem.tif")
    assert error.reason == "unsupported_format"
    assert "dem.tif holds measurements, not grey: values from -20 to -19" in str(error)


def test_one_bit_becomes_black_and_white():
    ink = written_page() < 128
    decoded = decode_one(saved(Image.fromarray(ink), "TIFF", compression="group4"))
    assert np.array_equal(decoded, np.where(ink, 255, 0))


def test_palette_becomes_colour_or_grey():
    page = np.array([[[9, 80, 200], [250, 240, 10]]], np.uint8).repeat(9, 0).repeat(9, 1)
    palette = Image.fromarray(page).quantize(4, dither=Image.Dither.NONE)
    assert np.abs(decode_one(saved(palette, "PNG")).astype(int) - page).max() <= 4
    grey = Image.fromarray(written_page()).convert("P")
    assert np.array_equal(decode_one(saved(grey, "PNG")), written_page())


def test_what_is_transparent_lies_over_white():
    page = np.zeros((8, 8, 4), np.uint8)
    page[:, :4] = (10, 20, 30, 255)
    page[:, 4:] = (10, 20, 30, 0)
    decoded = decode_one(saved(page, "PNG"))
    assert decoded[0, 0].tolist() == [10, 20, 30]
    assert decoded[0, 7].tolist() == [255, 255, 255]
    keyed = Image.fromarray(np.array([[0, 255]], np.uint8).repeat(8, 0))
    assert decode_one(saved(keyed, "PNG", transparency=0))[0].tolist() == [255, 255]


def test_colour_without_colour_is_kept_as_grey():
    page = written_page()
    assert np.array_equal(decode_one(saved(np.dstack([page] * 3), "PNG")), page)
    nearly = np.dstack([page] * 3)
    nearly[7, 11, 0] ^= 1  # one pixel off the grid on which a first look is taken
    assert np.array_equal(decode_one(saved(nearly, "PNG")), nearly)


# --- bad files: the reason and the sentence


@pytest.mark.parametrize(
    ("data", "name", "reason", "sentence"),
    [
        (b"", "a.png", "empty", "a.png is empty: 0 bytes."),
        (b"Dear archivist,", "a.jpg", "not_an_image", "no picture: it begins with b'Dear arc'"),
        (b"PK\x03\x04....", "a.jpg", "unsupported_format", "a.jpg is a ZIP archive"),
        (b"\0\0\0\x18ftypheic", "a.heic", "unsupported_format", "a.heic is a HEIC picture"),
        (pdf_of(), "a.pdf", "no_pages", "a.pdf is a PDF without pages"),
        (pdf_of((72, 72), encrypted=True), "a.pdf", "encrypted", "asks for a password"),
        (pdf_of((72, 72))[:150], "a.pdf", "truncated", "a.pdf ends early"),
        (b"\x89PNG\r\n\x1a\n", "a.png", "truncated", "a.png ends early"),
    ],
)
def test_what_cannot_be_opened_is_refused(data, name, reason, sentence):
    error = refusal(data, name)
    assert error.reason == reason
    assert sentence in str(error)


def test_a_pdf_without_pages_is_called_so_after_any_other_failure():
    for before in (pdf_of((72, 72), encrypted=True), pdf_of((72, 72))[:150], b"%PDF-1.4 rubbish"):
        refusal(before)
        assert refusal(pdf_of()).reason == "no_pages"


@pytest.mark.parametrize("side", [13_000, 60_000])
def test_a_decompression_bomb_is_refused_by_its_header(side):
    error = refusal(png_claiming(side, side), "bomb.png")
    assert error.reason == "too_many_pixels"
    assert "bomb.png claims" in str(error)
    assert "more than the 150000000 pixels that are taken" in str(error)


def test_limits_of_bytes_and_pages_are_kept():
    data = tiff_of([written_page()] * 3)
    error = refusal(data, "a.tif", CodecParams(max_bytes=1000))
    assert error.reason == "too_many_bytes"
    assert f"a.tif has {len(data)} bytes, more than the 1000" in str(error)
    error = refusal(data, "a.tif", CodecParams(max_pages=2))
    assert error.reason == "too_many_pages"
    assert "a.tif has 3 pages; from 1 to 2 are taken" in str(error)


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("TIFF", {"compression": "raw"}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {}),
        ("JPEG2000", {}),
        ("BMP", {}),
    ],
)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
def test_a_file_that_ends_early_is_refused(file_format, options, kept):
    data = saved(written_page(), file_format, **options)
    error = refusal(data[: int(len(data) * kept)], "a.scan")
    assert error.reason == "truncated"
    assert "a.scan ends early" in str(error)
    assert "Copy it again from where it came." in str(error)


def test_a_png_that_lacks_only_its_end_mark_is_whole():
    data = saved(written_page(), "PNG")
    assert np.array_equal(decode_one(data[:-12]), written_page())


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "JPEG2000", "WEBP"])
def test_what_follows_the_end_does_no_harm(file_format):
    data = saved(written_page(), file_format)
    assert np.array_equal(decode_one(data + bytes(100)), decode_one(data))


def test_a_bad_page_leaves_the_others_readable():
    images = [written_page(seed=seed) for seed in range(3)]
    data = tiff_with_broken_page(images, 1)
    with open_document(data, "book.tif") as document:
        assert np.array_equal(document.decode(0), images[0])
        with pytest.raises(UnreadableImage, match=r"Page 2 of book\.tif ends early") as caught:
            document.decode(1)
        assert caught.value.reason == "truncated"
        assert np.array_equal(document.decode(2), images[2])


def test_pages_that_a_cut_tiff_promises_are_counted_and_refused():
    images = [written_page(seed=seed) for seed in range(3)]
    data = tiff_of(images)
    data = data[: frame_offsets(data)[2]]
    with open_document(data, "book.tif") as document:
        assert document.probe.page_count == 3
        assert np.array_equal(document.decode(0), images[0])
        with pytest.raises(UnreadableImage, match=r"Page 3 of book\.tif ends early"):
            document.decode(2)


def test_one_huge_page_does_not_refuse_the_others():
    data = tiff_of([written_page(64, 64), written_page(64, 640)])
    with open_document(data, "a.tif", CodecParams(max_pixels=5000)) as document:
        assert document.decode(0).shape == (64, 64)
        with pytest.raises(UnreadableImage, match="Page 2 of a.tif claims 640 x 64 pixels"):
            document.decode(1)


# --- JPEG 2000


def test_tile_parts_that_are_miscounted_are_decoded_without_loss():
    page = colour_page(200, 160)
    data = jp2_in_parts(page, claimed_parts=5)
    # What makes the correction needed: a strict decoder refuses every byte-complete such file.
    with pytest.raises(OSError, match="broken data stream"):
        Image.open(io.BytesIO(data)).load()
    assert "claim 5 parts and have up to 6" in probe(data, "a.jp2").note
    assert np.array_equal(decode_one(data, "a.jp2"), page)


@pytest.mark.parametrize("claimed", [0, 6])
def test_tile_parts_that_are_counted_right_are_left_alone(claimed):
    page = colour_page(200, 160)
    data = jp2_in_parts(page, claimed_parts=claimed)
    assert probe(data, "a.jp2").note == ""
    assert np.array_equal(decode_one(data, "a.jp2"), page)


def test_jp2_of_which_most_is_there_loses_detail_and_says_so():
    page = written_page(200, 160)
    data = jp2_in_parts(page, claimed_parts=0)
    cut = data[: int(len(data) * 0.95)]
    assert "The file ends early: 95.0% of it is there." in probe(cut, "a.jp2").note
    decoded = decode_one(cut, "a.jp2")
    assert decoded.shape == page.shape
    assert 0 < np.abs(decoded.astype(int) - page).mean() < 12
    error = refusal(data[: int(len(data) * 0.6)], "a.jp2")
    assert error.reason == "truncated"
    assert "a.jp2 ends early: 60% of its codestream is there, where 90%" in str(error)


@pytest.mark.shared
def test_every_page_of_the_two_steles_is_decoded(shared):
    files = sorted((shared / "data" / "pages").glob("*/*.jp2"))
    assert len(files) == 34
    for file in files[::6]:
        page = decode_one(file.read_bytes(), file.name)
        assert min(page.shape[:2]) > 800
        assert page[-100:].std() > 10, f"{file.name} is empty at the bottom"


# --- encoding
