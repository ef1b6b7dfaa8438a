"""One real Label Studio and one browser, the server started from a database made once.

Making the database takes half a minute, starting on one that is there four seconds. So the
fresh database is kept in pytest's cache and copied into a new folder for each session.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from annotation.client import ClientParams, connect
from annotation.images import ImageFolder
from annotation.in_memory import InMemoryLabelStudio
from annotation.journal import Journal
from annotation.label_studio import LabelStudio
from annotation.server import LabelStudioServer, find_venv
from tests.annotation.examples import Batch, a_batch
from tests.annotation.loop import Loop
from tests.conftest import ROOT

DATABASE = "label_studio.sqlite3"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where everything must be there."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{what}: install it, CI must see the pages in a browser")
    pytest.skip(what)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser without a window; without one the test is skipped, except in CI."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        missing("there is no Chromium on this machine (on Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        # In a container Chromium's own sandbox cannot start; it sees our servers alone.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def label_studio_venv() -> Path:
    """Where Label Studio is installed; without it the test is skipped, except in CI."""
    venv = find_venv(ROOT, os.environ)
    if not (venv / "bin" / "label-studio").exists():
        reason = f"Label Studio is not installed in {venv}: run `make setup`"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    return venv


@pytest.fixture(scope="session")
def server(
    label_studio_venv: Path, tmp_path_factory: pytest.TempPathFactory, request
) -> Iterator[LabelStudioServer]:
    """A running server with an empty database of its own."""
    installed = next(
        (label_studio_venv / "lib").glob("python*/site-packages/label_studio-*.dist-info")
    )
    template = request.config.cache.mkdir(installed.name)
    folder = tmp_path_factory.mktemp("label-studio")
    kept = [template / DATABASE, template / "secrets.json"]
    if all(file.exists() for file in kept):
        for file in kept:
            shutil.copy2(file, folder / file.name)
    running = LabelStudioServer(folder, venv=label_studio_venv)
    with running:
        if not all(file.exists() for file in kept):
            with (
                sqlite3.connect(folder / DATABASE) as source,
                sqlite3.connect(template / "partial") as copy,
            ):
                source.backup(copy)
            source.close()
            copy.close()
            shutil.copy2(folder / "secrets.json", template / "secrets.json")
            os.replace(template / "partial", template / DATABASE)
        yield running


@pytest.fixture(scope="session")
def real(server: LabelStudioServer) -> LabelStudio:
    """A client of the running server."""
    return connect(server.url, server.token, params=ClientParams(first_pause_s=0.05))


@pytest.fixture(
    params=[
        "in_memory",
        pytest.param("real", marks=[pytest.mark.label_studio, pytest.mark.slow]),
    ]
)
def label_studio(
    request: pytest.FixtureRequest, images: ImageFolder, tmp_path: Path
) -> LabelStudio:
    """Each test that takes this runs against the double and against the real server."""
    if request.param == "in_memory":
        return InMemoryLabelStudio(images.document_root)
    client: LabelStudio = request.getfixturevalue("real")
    return client


@pytest.fixture
def images(request: pytest.FixtureRequest, tmp_path: Path) -> ImageFolder:
    """Where pictures are put: the real server's folder if the test talks to it."""
    callspec = getattr(request.node, "callspec", None)
    asks_real = "real" in request.fixturenames or (
        callspec is not None and callspec.params.get("label_studio") == "real"
    )
    if asks_real:
        running: LabelStudioServer = request.getfixturevalue("server")
        return running.images
    return ImageFolder(document_root=tmp_path / "served")


@pytest.fixture
def batch(tables, store, request: pytest.FixtureRequest) -> Batch:
    """A batch named after the test, so that tests on one server do not meet."""
    return a_batch(tables, store, name=request.node.name.replace("[", "-").rstrip("]"))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """The truth about decisions, in a folder of its own."""
    return Journal(tmp_path / "journal")


@pytest.fixture
def loop(label_studio: LabelStudio, batch: Batch, images: ImageFolder, journal: Journal) -> Loop:
    """Push, annotate and pull of one batch, on either server."""
    return Loop(label_studio, batch, images, journal)
