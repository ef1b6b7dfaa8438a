"""What tests share: a store and tables in a temporary folder, and where real material lies.

Real material is used where it is present: the development data beside the checkout (``shared``),
and what ``make material`` fetched (``material``). A test that needs either skips with the reason
where it is absent.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from pipelines.store import Store
from pipelines.tables import Tables

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store in a temporary folder."""
    return Store(tmp_path / "store")


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    """Empty tables in a temporary folder."""
    return Tables(tmp_path / "tables")


@pytest.fixture
def rng() -> np.random.Generator:
    """The same random numbers in every run."""
    return np.random.default_rng(20260101)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development data (``data``, ``fonts``) beside the checkout."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"the development data is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def material() -> Path:
    """The home folder with the fonts, texts and pages that ``make material`` fetched."""
    home = Path(os.environ.get("BEITIE_HOME", ROOT / ".beitie")).resolve()
    if not (home / "fonts").is_dir():
        pytest.skip(f"no fonts under {home}: run `make material` first")
    return home
