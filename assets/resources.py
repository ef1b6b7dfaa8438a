"""Where everything lies: the one file of the graph that reads environment variables.

Holds: ``Settings`` (from the environment, checked), and ``Project``, which makes plain objects
from them: the store, the tables, the folders of a running project, the Label Studio client.

Keeps out: what is done with them. Nothing here is made before it is asked for.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from annotation.hints import MIN_SECRET_CHARACTERS, Hints
from pipelines.errors import BeitieError, ServiceError
from pipelines.store import Store
from pipelines.tables import Tables
from pipelines.workers import Workers

if TYPE_CHECKING:
    from annotation.desk.users import Users
    from annotation.images import Images
    from annotation.journal import Journal
    from annotation.label_studio import LabelStudio
    from annotation.server import LabelStudioServer
    from pipelines.glyphs.fonts import FontFace

ROOT = Path(__file__).resolve().parents[1]
"""The checkout: ``dagster.yaml`` and the bundled checkpoint lie in it."""

VARIABLES: dict[str, str] = {
    "BEITIE_HOME": "folder of the running project (default: .beitie in the checkout)",
    "BEITIE_STORE": "pictures: a folder or any fsspec URL (default: HOME/store)",
    "BEITIE_IMAGES": "what Label Studio shows: s3://bucket/prefix (default: a folder it serves)",
    "BEITIE_TABLES": "tables: a folder or any fsspec URL (default: HOME/tables)",
    "BEITIE_CHECKPOINT": "the reader before the first release (default: the bundled one)",
    "BEITIE_TRAINING_PYTHON": "Python that runs `-m training` (default: this one)",
    "BEITIE_THREADS": "cores that a stage or a training command uses, 0 for all (default: 0)",
    "BEITIE_RAY": "address of a Ray cluster for pages and columns (default: this machine's cores)",
    "BEITIE_TRAIN_SECONDS": "seconds of one training, 0 leaves it to the recipe (default: 0)",
    "BEITIE_APPROVERS": "who may approve, by Label Studio e-mail, with commas (default: anyone)",
    "BEITIE_HOOK_SECRET": "16 characters by which Label Studio hints to the desk (default: none)",
    "BEITIE_HOOK_URL": "the desk as Label Studio reaches it (default: http://127.0.0.1:3001)",
    "BEITIE_LABEL_STUDIO_VENV": "environment that holds Label Studio (default: .venv-label-studio)",
    "BEITIE_RETRAIN": "propose or automatic: what enough approvals lead to (default: propose)",
    "BEITIE_RETRAIN_AFTER": "approved characters that are enough (default: 500)",
}
"""Every BEITIE_ variable of the graph, with what it means; any other one is an error."""


WORTH_WORKERS = 5
"""Items from which starting another process (about a second) pays."""


class SettingsError(BeitieError):
    """An environment variable is unknown or holds what it must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says, after defaults."""

    home: Path
    store_url: str
    tables_url: str
    images_url: str
    s3_endpoint: str
    s3_region: str
    s3_access_key: str = field(repr=False)
    s3_secret_key: str = field(repr=False)
    checkpoint: Path
    training_python: str
    threads: int
    ray_address: str
    train_seconds: int
    retrain_automatically: bool
    retrain_after_characters: int
    approvers: tuple[str, ...]
    hook_secret: str = field(repr=False)
    hook_url: str
    label_studio_venv: Path
    label_studio_url: str
    label_studio_api_key: str = field(repr=False)

    def workers(self, item_count: int) -> Workers:
        """Where a stage of so many items works; a few are done faster in this process."""
        if item_count < WORTH_WORKERS:
            return Workers()
        return Workers(count=self.threads, ray_address=self.ray_address)


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
    images = found.get("BEITIE_IMAGES", "")
    if images and not images.startswith("s3://"):
        raise SettingsError(
            f"BEITIE_IMAGES is {images!r}; expected s3://bucket/prefix. Unset, pictures lie in a "
            f"folder that the Label Studio of `beitie up` serves."
        )
    secret = found.get("BEITIE_HOOK_SECRET", "")
    if 0 < len(secret) < MIN_SECRET_CHARACTERS:
        raise SettingsError(
            f"BEITIE_HOOK_SECRET has {len(secret)} characters; expected {MIN_SECRET_CHARACTERS} or "
            f"more, such as `openssl rand -hex 16` prints."
        )
    approvers, venv = found.get("BEITIE_APPROVERS", ""), found.get("BEITIE_LABEL_STUDIO_VENV")
    bundled = ROOT / "training" / "families" / "unicalli" / "checkpoints" / "tiny"
    return Settings(
        home=home,
        store_url=_place(found.get("BEITIE_STORE"), home / "store"),
        tables_url=_place(found.get("BEITIE_TABLES"), home / "tables"),
        images_url=images,
        s3_endpoint=found.get("AWS_ENDPOINT_URL_S3") or found.get("AWS_ENDPOINT_URL", ""),
        s3_region=found.get("AWS_REGION") or found.get("AWS_DEFAULT_REGION", ""),
        s3_access_key=found.get("AWS_ACCESS_KEY_ID", ""),
        s3_secret_key=found.get("AWS_SECRET_ACCESS_KEY", ""),
        checkpoint=Path(found.get("BEITIE_CHECKPOINT") or bundled).expanduser().resolve(),
        training_python=found.get("BEITIE_TRAINING_PYTHON") or sys.executable,
        threads=_count(found, "BEITIE_THREADS", 0),
        ray_address=found.get("BEITIE_RAY", ""),
        train_seconds=_count(found, "BEITIE_TRAIN_SECONDS", 0),
        retrain_automatically=retrain == "automatic",
        retrain_after_characters=_count(found, "BEITIE_RETRAIN_AFTER", 500),
        approvers=tuple(filter(None, (n.strip() for n in approvers.split(",")))),
        hook_secret=secret,
        hook_url=(found.get("BEITIE_HOOK_URL") or "http://127.0.0.1:3001").rstrip("/"),
        label_studio_venv=Path(venv or ROOT / ".venv-label-studio").expanduser().resolve(),
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
    def images(self) -> Images:
        """Pictures that Label Studio shows: in a bucket, or the folder that `beitie up` serves."""
        if not self.settings.images_url:
            return self.label_studio_server().images
        from annotation.bucket import ImageBucket

        return ImageBucket.of(
            self.settings.images_url,
            endpoint_url=self.settings.s3_endpoint,
            region=self.settings.s3_region,
            access_key=self.settings.s3_access_key,
            secret_key=self.settings.s3_secret_key,
        )

    @cached_property
    def standard_font(self) -> FontFace | None:
        """The font that readings are shown in; None if it was not fetched."""
        from pipelines.glyphs.fonts import FontFace
        from pipelines.glyphs.registry import CONTENT_FONT, load_fonts

        font = load_fonts(None, self.home / "fonts")[CONTENT_FONT]
        return FontFace(font.files) if font.is_fetched else None

    @property
    def journal(self) -> Journal:
        """Who approved what, when."""
        from annotation.journal import Journal

        return Journal(self.home / "journal")

    @property
    def hints(self) -> Hints:
        """That Label Studio may have changed since the last look."""
        return Hints(self.home / "journal")

    @property
    def label_studio_home(self) -> Path:
        """Database, secrets and pictures of the Label Studio that ``beitie up`` starts."""
        return self.home / "label-studio"

    def label_studio_server(self, port: int = 0) -> LabelStudioServer:
        """The local server, not started yet; ``port`` 0 takes its last one, else a free one."""
        from annotation.server import LabelStudioServer, ServerParams

        return LabelStudioServer(
            self.label_studio_home,
            venv=self.settings.label_studio_venv,
            params=ServerParams(
                port=port,
                reaches_own_network=bool(self.settings.images_url and self.settings.s3_endpoint),
            ),
        )

    def label_studio(self) -> LabelStudio:
        """A client of the Label Studio that the environment names, else of the local one.

        Raises:
            ServiceError: If there is none, it does not answer, or it refuses the token.
        """
        from annotation.client import connect  # the SDK is slow to import, and optional

        if self.settings.label_studio_url:
            return connect(self.settings.label_studio_url, self.settings.label_studio_api_key)
        try:
            address = json.loads((self.label_studio_home / "server.json").read_text())["url"]
            token = json.loads((self.label_studio_home / "secrets.json").read_text())["token"]
        except FileNotFoundError:
            raise ServiceError(
                "There is no Label Studio: it was never started here and LABEL_STUDIO_URL is not "
                "set. `beitie up` starts one; or set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY."
            ) from None
        return connect(address, token)

    @property
    def desk_home(self) -> Path:
        """Users, uploads on their way and the audit log of the archivist's desk."""
        return self.home / "desk"

    def desk_users(self) -> Users:
        """Who may come to the desk."""
        from annotation.desk.desk import Desk, Place

        place = Place(
            home=self.desk_home,
            inbox=self.inbox,
            store=self.settings.store_url,
            tables=self.settings.tables_url,
            journal=self.journal.folder,
        )
        return Desk(place=place).users

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
