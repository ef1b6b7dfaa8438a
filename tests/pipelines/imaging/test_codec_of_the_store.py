"""What the store holds comes back as it went in, and a plain scan is its own picture."""

import io

import numpy as np
import pytest
from PIL import Image

from pipelines.errors import UnreadableImage
from pipelines.imaging.codec import (
    decode_pages,
    decode_picture,
    decode_png,
    encode_jpeg,
    encode_png,
    open_document,
)
from tests.pipelines.imaging.files import (
    colour_page,
    saved,
    tiff_of,
    written_page,
)


def test_png_comes_back_as_it_went():
    for page in (written_page(), colour_page(), np.zeros((1, 1), np.uint8)):
        page.flags.writeable = False
        assert np.array_equal(decode_png(encode_png(page)), page)


def test_ink_takes_one_bit_a_pixel():
    ink = np.where(written_page() < 128, 255, 0).astype(np.uint8)
    data = encode_png(ink)
    assert Image.open(io.BytesIO(data)).mode == "1"
    assert np.array_equal(decode_png(data), ink)


def test_jpeg_for_browsers_is_small_and_bounded():
    page = np.dstack([written_page(600, 400)] * 3)
    decoded = next(decode_pages(encode_jpeg(page, max_side_px=300), "a.jpg"))
    assert decoded.shape[:2] == (300, 200)
    assert len(encode_jpeg(page, quality=60)) < len(encode_jpeg(page, quality=95))


def test_decode_png_refuses_what_is_none():
    for data in (b"", b"rubbish", saved(colour_page(), "JPEG"), encode_png(colour_page())[:60]):
        with pytest.raises(UnreadableImage, match="no PNG of 8-bit grey or RGB") as caught:
            decode_png(data)
        assert caught.value.reason == "broken"


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_plain_file_is_its_own_picture(kind, colour):
    page = written_page()
    picture = np.stack([page, page // 2, page], axis=2) if colour else page
    data = saved(picture, kind)
    with open_document(data, "a") as document:
        assert np.array_equal(document.decode(0), decode_picture(data))
        assert document.is_plain


def test_what_is_turned_transparent_or_of_another_kind_is_not_plain():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = saved(written_page(), "JPEG", exif=exif)
    see_through = saved(np.zeros((9, 9, 4), np.uint8), "PNG")
    for data in (turned, see_through, tiff_of([written_page()]), saved(written_page(), "WEBP")):
        with open_document(data, "a") as document:
            document.decode(0)
            assert not document.is_plain
