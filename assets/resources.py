"""Where everything lies: the one file of the graph that reads environment variables.

Holds: ``Settings`` (from the environment, checked), and ``Project``, which makes plain objects
from them: the store, the tables, the folders of a running project, the Label Studio client.

Keeps out: what is done with them. Nothing here is made before it is asked for.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipelines.errors import BeitieError
from pipelines.store import Store
from pipelines.tables import Tables

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: ``dagster.yaml`` and the bundled checkpoint lie in it."""

VARIABLES: dict[str, str] = {
    "BEITIE_HOME": "folder of the running project (default: .beitie in the checkout)",
    "BEITIE_STORE": "pictures: a folder or any fsspec URL (default: HOME/store)",
    "BEITIE_TABLES": "tables: a folder or any fsspec URL (default: HOME/tables)",
    "BEITIE_CHECKPOINT": "the reader before the first release (default: the bundled one)",
    "BEITIE_TRAINING_PYTHON": "Python that runs `-m training` (default: this one)",
    "BEITIE_THREADS": "threads of one training command, 0 for all cores (default: 0)",
    "BEITIE_TRAIN_SECONDS": "time budget of one training run in seconds (default: 180)",
    "BEITIE_RETRAIN": "propose or automatic: what enough approvals lead to (default: propose)",
    "BEITIE_RETRAIN_AFTER": "approved characters that are enough (default: 500)",
}
"""Every BEITIE_ variable of the graph, with what it means; any other one is an error."""


class SettingsError(BeitieError):
    """An environment variable is unknown or holds what it must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says, after defaults."""

    home: Path
    store_url: str
    tables_url: str
    checkpoint: Path
    training_python: str
    threads: int
    train_seconds: int
    retrain_automatically: bool
    retrain_after_characters: int
    label_studio_url: str
    label_studio_api_key: str = field(repr=False)


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process, or of another environment.

    Raises:
        SettingsError: If a BEITIE_ variable is unknown or its value cannot be used.
    """
    found = os.environ if environment is None else environment
    unknown = sorted(n for n in found if n.startswith("BEITIE_") and n not in VARIABLES)
    if unknown:
        known = "\n".join(f"  {name}: {meaning}" for name, meaning in VARIABLES.items())
        raise SettingsError(
            f"Unknown environment variable {', '.join(unknown)}. Unset it, or use one of:\n{known}"
        )
    home = Path(found.get("BEITIE_HOME") or ROOT / ".beitie").expanduser().resolve()
    retrain = found.get("BEITIE_RETRAIN", "propose")
    if retrain not in {"propose", "automatic"}:
        raise SettingsError(
            f"BEITIE_RETRAIN is {retrain!r}; expected 'propose' (a person starts the training) "
            f"or 'automatic'."
        )
    bundled = ROOT / "training" / "families" / "unicalli" / "checkpoints" / "tiny"
    return Settings(
        home=home,
        store_url=_place(found.get("BEITIE_STORE"), home / "store"),
        tables_url=_place(found.get("BEITIE_TABLES"), home / "tables"),
        checkpoint=Path(found.get("BEITIE_CHECKPOINT") or bundled).expanduser().resolve(),
        training_python=found.get("BEITIE_TRAINING_PYTHON") or sys.executable,
        threads=_count(found, "BEITIE_THREADS", 0),
        train_seconds=_count(found, "BEITIE_TRAIN_SECONDS", 180),
        retrain_automatically=retrain == "automatic",
        retrain_after_characters=_count(found, "BEITIE_RETRAIN_AFTER", 500),
        label_studio_url=found.get("LABEL_STUDIO_URL", ""),
        label_studio_api_key=found.get("LABEL_STUDIO_API_KEY", ""),
    )


def _place(value: str | None, default: Path) -> str:
    if not value:
        return str(default)
    return value if "://" in value else str(Path(value).expanduser().resolve())


def _count(found: Mapping[str, str], name: str, default: int) -> int:
    value = found.get(name) or str(default)
    if not value.isascii() or not value.isdigit():
        raise SettingsError(f"{name} is {value!r}; expected a whole number: {VARIABLES[name]}.")
    return int(value)


class Project:
    """A running project: its folders, and its store and tables once they are asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home

    @cached_property
    def store(self) -> Store:
        """Pixels."""
        return Store(self.settings.store_url)

    @cached_property
    def tables(self) -> Tables:
        """Rows."""
        return Tables(self.settings.tables_url)

    @property
    def inbox(self) -> Path:
        """One folder a batch, as ``beitie add`` or an archivist filled it."""
        return self.home / "inbox"

    @property
    def models(self) -> Path:
        """One folder a trained checkpoint."""
        return self.home / "models"

    @property
    def staging(self) -> Path:
        """Tables that a command is writing now, before they are taken over."""
        return self.home / "staging"

    @property
    def proposals(self) -> Path:
        """What the graph proposes to people, one file each."""
        return self.home / "proposals"

    @property
    def gpu_lock(self) -> Path:
        """Held by the one command that may use the device, whoever started it."""
        return self.home / "gpu0.lock"

    def relative(self, path: Path) -> str:
        """A path as a table keeps it: below the home without the home, so that it may move."""
        resolved = path.resolve()
        if resolved.is_relative_to(self.home):
            return resolved.relative_to(self.home).as_posix()
        return str(resolved)

    def absolute(self, path: str) -> Path:
        """A path of a table as this machine finds it."""
        return self.home / path
