"""Settings: defaults, every variable, and what is refused."""

from pathlib import Path

import pytest

from assets.resources import VARIABLES, Project, SettingsError, read_settings
from pipelines.errors import ServiceError


def test_everything_lies_below_the_home(tmp_path):
    settings = read_settings({"BEITIE_HOME": str(tmp_path)})
    assert settings.store_url == str(tmp_path / "store")
    assert settings.tables_url == str(tmp_path / "tables")
    assert settings.retrain_automatically is False
    assert list(tmp_path.iterdir()) == [], "settings make nothing"


def test_store_and_tables_may_lie_elsewhere(tmp_path):
    settings = read_settings(
        {"BEITIE_HOME": str(tmp_path), "BEITIE_STORE": "memory://s", "BEITIE_TABLES": "tables"}
    )
    project = Project(settings)
    key = project.store.put(b"ink", ".png")
    assert project.store.get(key) == b"ink"
    assert settings.tables_url == str(Path("tables").resolve())


def test_an_unknown_variable_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(SettingsError) as refused:
        read_settings({"BEITIE_STROE": "/tmp/x", "HOME": "/root"})
    assert "BEITIE_STROE" in str(refused.value)
    assert all(name in str(refused.value) for name in VARIABLES)


@pytest.mark.parametrize(
    ("name", "value"),
    [("BEITIE_TRAIN_SECONDS", "ten"), ("BEITIE_THREADS", "-1"), ("BEITIE_RETRAIN", "yes")],
)
def test_a_value_of_another_kind_is_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=name):
        read_settings({name: value})


def test_secrets_are_not_shown():
    settings = read_settings({"LABEL_STUDIO_API_KEY": "s3cret", "BEITIE_APPROVERS": "a@b, c@d"})
    assert "s3cret" not in repr(settings)
    assert settings.approvers == ("a@b", "c@d")


def test_paths_in_tables_follow_the_home_when_it_moves(tmp_path):
    old = Project(read_settings({"BEITIE_HOME": str(tmp_path / "old")}))
    new = Project(read_settings({"BEITIE_HOME": str(tmp_path / "new")}))
    kept = old.relative(old.models / "m1")
    assert new.absolute(kept) == new.models / "m1"
    outside = old.relative(tmp_path / "bundled")
    assert new.absolute(outside) == tmp_path / "bundled"


def test_without_a_label_studio_it_says_how_to_get_one(tmp_path):
    project = Project(read_settings({"BEITIE_HOME": str(tmp_path)}))
    with pytest.raises(ServiceError, match="beitie up"):
        project.label_studio()


def test_the_standard_font_is_there_once_it_was_fetched(tmp_path, material):
    bare = Project(read_settings({"BEITIE_HOME": str(tmp_path)}))
    assert bare.standard_font is None
    fetched = Project(read_settings({"BEITIE_HOME": str(material)}))
    assert fetched.standard_font.covers("碑")
