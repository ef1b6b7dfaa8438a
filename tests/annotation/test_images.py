"""Pictures for the browser."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from annotation.images import ImageFolder, derivative_size, make_derivative
from pipelines.errors import ServiceError, StoreError
from pipelines.geometry import Box
from pipelines.imaging.codec import encode_png


@pytest.fixture
def folder(tmp_path):
    made = ImageFolder(document_root=tmp_path / "served")
    made.prepare()
    return made


@pytest.fixture
def key(store):
    picture = np.zeros((400, 100, 3), np.uint8)
    picture[100:300] = (200, 40, 40)
    return store.put(encode_png(picture), ".png")


def test_a_cut_is_a_jpeg_of_what_stands_there(store, folder, key):
    made = make_derivative(store, key, Box(0, 100, 100, 300), images=folder, max_side_px=1000)
    assert (made.width, made.height) == (100, 200)
    (file,) = folder.path.glob("*/*.jpg")
    assert made.url == f"/data/local-files/?d=images/{file.parent.name}/{file.name}"
    picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert picture.shape == (200, 100, 3)
    assert np.abs(picture.reshape(-1, 3).mean(0) - (200, 40, 40)).max() < 4


def test_a_large_picture_is_bounded_and_keeps_its_shape(store, folder, key):
    made = make_derivative(store, key, Box(0, 0, 100, 400), images=folder, max_side_px=200)
    assert (made.width, made.height) == (50, 200)
    (file,) = folder.path.glob("*/*.jpg")
    assert cv2.imread(str(file)).shape[:2] == (200, 50)
    assert derivative_size(10_000, 1, 100) == (100, 1)


def test_a_second_call_decodes_nothing(store, folder, key, monkeypatch):
    first = make_derivative(store, key, Box(0, 0, 50, 50), images=folder, max_side_px=100)
    monkeypatch.setattr(store, "get", lambda key: pytest.fail("was read again"))
    assert make_derivative(store, key, Box(0, 0, 50, 50), images=folder, max_side_px=100) == first
    assert not list(folder.path.glob("*/.*"))


def test_a_cut_beyond_the_picture_says_who_disagrees(store, folder, key):
    with pytest.raises(ValueError, match="100 x 400 pixels.*reaches beyond"):
        make_derivative(store, key, Box(0, 0, 101, 400), images=folder, max_side_px=100)
    with pytest.raises(StoreError):
        make_derivative(store, "0" * 64 + ".png", Box(0, 0, 1, 1), images=folder, max_side_px=100)


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "served").write_text("in the way")
    with pytest.raises(ServiceError, match="cannot be made"):
        ImageFolder(document_root=tmp_path / "served").prepare()
