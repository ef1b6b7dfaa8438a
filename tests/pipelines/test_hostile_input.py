"""Any bytes at all: a picture comes out, or a refusal with a reason; never another error."""

from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines.errors import UnreadableImage
from pipelines.imaging.codec import CodecParams, decode_pages
from pipelines.metadata import WorkMetadata
from pipelines.pages import PageParams, make_pages
from pipelines.records import Page, Rejection
from pipelines.scans import ingest
from pipelines.store import Store
from tests.pipelines.imaging.files import (
    colour_page,
    jp2_in_parts,
    pdf_of,
    saved,
    tiff_of,
    written_page,
)

REASONS = {
    "empty",
    "not_an_image",
    "unsupported_format",
    "truncated",
    "broken",
    "too_many_pixels",
    "too_many_pages",
    "no_pages",
    "encrypted",
}
LIMITS = CodecParams(max_pixels=2_000_000, max_pages=50)
WORK = WorkMetadata(title="禮器碑", rights="public domain")

# The same examples in every run: a failure here is a bug to keep, not luck.
steady = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@cache
def whole_files():
    page, colours = written_page(120, 90), colour_page(60, 40)
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "bmp": saved(colours, "BMP"),
        "cmyk": saved(Image.fromarray(colours).convert("CMYK"), "JPEG"),
        "gif": saved(page, "GIF"),
        "jp2": saved(page, "JPEG2000"),
        "jp2 in parts": jp2_in_parts(written_page(), claimed_parts=5),
        "jpeg": saved(colours, "JPEG", exif=exif),
        "jpeg progressive": saved(colours, "JPEG", progressive=True),
        "pdf": pdf_of((100, 200), (50, 60)),
        "png": saved(colours, "PNG", exif=exif),
        "png 16 bit": saved(np.arange(4096, dtype=np.uint16).reshape(64, 64), "PNG"),
        "tiff": tiff_of([page, page]),
        "tiff big": saved(page, "TIFF", big_tiff=True),
        "tiff group 4": saved(Image.fromarray(page < 128), "TIFF", compression="group4"),
        "tiff lzw": tiff_of([page, page], compression="tiff_lzw"),
        "webp": saved(colours, "WEBP", exif=exif),
        "webp lossless": saved(colours, "WEBP", lossless=True),
    }


KINDS = sorted(whole_files())

damage = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "cut out", "put in"]),
        st.one_of(st.integers(0, 300), st.integers(0, 100_000)),  # headers break in more ways
        st.binary(min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=8,
)


def damaged(data, changes):
    out = bytearray(data)
    for kind, place, what in changes:
        at = place % max(len(out), 1)
        if kind == "flip" and out:
            out[at] ^= what[0] | 1
        elif kind == "set":
            out[at : at + len(what)] = what
        elif kind == "cut out":
            del out[at : at + len(what)]
        else:
            out[at:at] = what
    return bytes(out)


def decoded_or_reason(data):
    refusal = None
    try:
        pages = list(decode_pages(data, "hostile.scan", LIMITS))
    except UnreadableImage as error:
        refusal = error
    if refusal is not None:
        assert refusal.reason in REASONS
        assert "hostile.scan" in str(refusal)
        return refusal.reason
    for page in pages:
        assert page.dtype == np.uint8
        assert page.size
        assert page.ndim == 2 or page.shape[2:] == (3,)
    return pages


@pytest.mark.parametrize("kind", KINDS)
@steady
@given(changes=damage)
def test_a_damaged_file_is_decoded_or_refused(kind, changes):
    decoded_or_reason(damaged(whole_files()[kind], changes))


@steady
@given(data=st.binary(max_size=200))
def test_rubbish_is_refused(data):
    # Four bytes can be the start of a TIFF: then the rest is missing.
    reasons = {"empty", "not_an_image", "unsupported_format", "truncated"}
    assert decoded_or_reason(data) in reasons


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith(("jp2", "pdf"))])
@steady
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_whole_or_refused(kind, share):
    """Missing rows may hold text: no page comes out that lacks any."""
    data = whole_files()[kind]
    whole = decoded_or_reason(data)
    cut = decoded_or_reason(data[: int(len(data) * share)])
    if not isinstance(cut, str):
        assert len(cut) == len(whole)
        for page, expected in zip(cut, whole, strict=True):
            assert np.array_equal(page, expected)


@steady
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_jp2_cut_anywhere_has_its_whole_area_or_is_refused(share):
    data = whole_files()["jp2 in parts"]
    (whole,) = decoded_or_reason(data)
    cut = decoded_or_reason(data[: int(len(data) * share)])
    if not isinstance(cut, str):
        assert share >= LIMITS.min_present - 0.01
        assert cut[0].shape == whole.shape
        assert np.abs(cut[0].astype(int) - whole).mean() < 20


@settings(steady, max_examples=40)
@given(kind=st.sampled_from(KINDS), changes=damage)
def test_nothing_disappears_between_file_and_pages(tmp_path_factory, kind, changes):
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / "hostile.scan"
    file.write_bytes(damaged(whole_files()[kind], changes))
    store = Store(folder / "store")
    (taken,) = ingest([file], WORK, store, "v1", params=LIMITS)
    if isinstance(taken, Rejection):
        assert taken.item_id == str(file)
        return
    results = list(make_pages(taken, store, PageParams(codec=LIMITS), "v1"))
    assert len(results) == taken.page_count
    assert all(isinstance(result, Page | Rejection) for result in results)
