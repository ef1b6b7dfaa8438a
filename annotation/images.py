"""Pictures for Label Studio's browser: derivatives of bounded size in a folder it serves.

A browser shows JPEG and PNG, and crawls on very large ones; the store holds masters of any
size. So each task gets a JPEG derivative, cut from the column's picture, in a folder that the
server may read (Label Studio's *local files*). Coordinates travel in percent, so that the
derivative's size never matters to them.

Why a served folder and not data URLs or an image server of our own: data URLs would swell the
database and every listing by the pictures; a second server would need its own login. Local
files sit behind Label Studio's login and work offline. The price, Label Studio's rules, is paid
here in one place: the folder must be a *child* of the document root, each project needs a
storage entry whose path is a prefix, and the address repeats the folder's name.

Keeps out: what is cut (``annotation.tasks``) and codecs (``pipelines.imaging.codec``).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from annotation.candidates import Candidates
from annotation.guide import GUIDE_VERSION, GuideLayout, draw_guide, enlargement, picture_size
from annotation.label_studio import LabelStudio
from pipelines.errors import ServiceError
from pipelines.geometry import Box
from pipelines.glyphs.fonts import FontFace
from pipelines.ids import derive_id
from pipelines.imaging.codec import decode_picture, encode_jpeg
from pipelines.store import Store


class Images(Protocol):
    """Where pictures lie for Label Studio: ``ImageFolder``, or ``annotation.bucket``."""

    def prepare(self) -> None:
        """Make the place, or raise ``ServiceError``."""
        ...

    def has(self, name: str) -> bool:
        """Whether a picture is there."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Write a picture, whole or not at all."""
        ...

    def url_of(self, name: str) -> str:
        """The address of a picture as it stands in a task."""
        ...

    def let_read(self, client: LabelStudio, project_id: int) -> None:
        """Let a project's browser pages read the pictures."""
        ...

    def address_for(self, task_id: int, url: str) -> str:
        """Where the browser that opened a task gets a picture of it, relative to the server."""
        ...

    @property
    def advice(self) -> str:
        """What Label Studio needs to serve the pictures, as a sentence."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolder:
    """The folder Label Studio serves pictures from.

    ``document_root`` is what the server runs with as ``LOCAL_FILES_DOCUMENT_ROOT``;
    ``folder`` the child of it that projects may read (never the root itself, which Label Studio
    refuses).
    """

    document_root: Path
    folder: str = "images"

    @property
    def path(self) -> Path:
        """Where the pictures lie; the path a project's storage entry is given."""
        return self.document_root.resolve() / self.folder

    def file_of(self, name: str) -> Path:
        """The file of a picture, fanned out over 256 folders."""
        return self.path / name[:2] / name

    def has(self, name: str) -> bool:
        """Whether a picture is there."""
        return self.file_of(name).exists()

    def let_read(self, client: LabelStudio, project_id: int) -> None:
        """Let a project's browser pages read the folder."""
        client.serve_images(project_id, self.path)

    def address_for(self, task_id: int, url: str) -> str:
        """Where the browser gets a picture: the same for every task."""
        return url

    @property
    def advice(self) -> str:
        """What Label Studio needs to serve the folder."""
        return (
            f"It must run with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and "
            f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={self.document_root}, on a machine that "
            f"sees this folder."
        )

    def url_of(self, name: str) -> str:
        """The address of a picture as it stands in a task, relative to the server."""
        return f"/data/local-files/?d={quote(f'{self.folder}/{name[:2]}/{name}')}"

    def prepare(self) -> None:
        """Make the folder.

        Raises:
            ServiceError: If it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ServiceError(
                f"The folder {self.path}, from which Label Studio serves pictures, cannot be "
                f"made: {error.strerror}. Give a folder that both may use."
            ) from error

    def put(self, name: str, data: bytes) -> None:
        """Write a picture, whole or not at all."""
        file = self.file_of(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".", suffix=".partial")
        try:
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(data)
            os.replace(temporary, file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivative:
    """A picture as the browser gets it: its address and its size in pixels."""

    url: str
    width: int
    height: int


def derivative_size(width: int, height: int, max_side_px: int) -> tuple[int, int]:
    """The size of a derivative: the whole picture, shrunk until its longer side fits."""
    scale = min(1.0, max_side_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def make_derivative(
    store: Store, image_key: str, crop: Box, *, images: Images, max_side_px: int
) -> Derivative:
    """Cut ``crop`` (pixels of the stored picture) out of a picture and have it served.

    The name follows from the arguments, so a second call finds the file and decodes nothing.

    Raises:
        StoreError: If the store lacks the picture.
        UnreadableImage: If the picture does not decode.
        ValueError: If ``crop`` reaches beyond the picture.
    """
    width, height = derivative_size(crop.width, crop.height, max_side_px)
    place = (crop.left, crop.top, crop.right, crop.bottom)
    name = f"{derive_id('derivative', image_key, *place, max_side_px)}.jpg"
    if not images.has(name):
        images.put(name, encode_jpeg(_cut(store, image_key, crop), max_side_px=max_side_px))
    return Derivative(url=images.url_of(name), width=width, height=height)


def make_guided_derivative(
    store: Store,
    image_key: str,
    crop: Box,
    *,
    layout: GuideLayout,
    candidates: Sequence[Candidates],
    face: FontFace,
    images: Images,
    max_side_px: int,
) -> Derivative:
    """As :func:`make_derivative`, with the guide beside the ink.

    The picture shows ``layout.frame``; ``crop`` is ``layout.crop`` in pixels of the stored
    picture.

    Raises:
        StoreError: If the store lacks the picture.
        UnreadableImage: If the picture does not decode.
        ValueError: If ``crop`` reaches beyond the picture.
    """
    scale = enlargement(layout, max_side_px)
    drawn = repr((GUIDE_VERSION, face.files[0].name, layout, tuple(candidates), max_side_px))
    name = f"{derive_id('guided', image_key, repr(crop), drawn)}.jpg"
    if not images.has(name):
        ink = _cut(store, image_key, crop)
        images.put(name, encode_jpeg(draw_guide(ink, layout, candidates, face, scale)))
    width, height = picture_size(layout, scale)
    return Derivative(url=images.url_of(name), width=width, height=height)


def _cut(store: Store, image_key: str, crop: Box) -> npt.NDArray[np.uint8]:
    picture = decode_picture(store.get(image_key))
    if crop.clipped(picture.shape[1], picture.shape[0]) != crop:
        raise ValueError(
            f"The picture {image_key} is {picture.shape[1]} x {picture.shape[0]} pixels; the cut "
            f"{(crop.left, crop.top, crop.right, crop.bottom)} reaches beyond it. Its column's "
            f"box and picture disagree."
        )
    return np.ascontiguousarray(picture[crop.top : crop.bottom, crop.left : crop.right])
