"""``beitie user``: passwords are invented or asked for, printed once, and never an argument."""

import pytest
from click.testing import CliRunner

from assets.cli import main
from assets.resources import Project, read_settings


@pytest.fixture
def users(tmp_path, monkeypatch):
    monkeypatch.setenv("BEITIE_HOME", str(tmp_path))
    return Project(read_settings({"BEITIE_HOME": str(tmp_path)})).desk_users()


def beitie(*words, typed=None):
    return CliRunner().invoke(main, ["user", *words], input=typed)


def test_an_invented_password_opens_the_door(users):
    result = beitie("add", "Wang", "--role", "archivist", "--role", "approver", "--quota-gib", "2")
    assert result.exit_code == 0, result.stderr
    user = users.check("Wang", result.stdout.strip())
    assert (user.roles, user.quota_bytes) == (("archivist", "approver"), 2 << 30)
    assert beitie("list").stdout.split() == ["Wang", "archivist,", "approver"]


def test_a_password_can_be_typed(users):
    typed = "a long password\na long password\n"
    assert beitie("add", "Wang", "--role", "engineer", "--ask", typed=typed).exit_code == 0
    assert users.check("Wang", "a long password")


def test_a_new_password_replaces_the_old_one(users):
    old = beitie("add", "Wang", "--role", "engineer").stdout.strip()
    new = beitie("password", "Wang").stdout.strip()
    assert users.check("Wang", old) is None
    assert users.check("Wang", new)


def test_a_closed_user_stays_outside(users):
    password = beitie("add", "Wang", "--role", "annotator").stdout.strip()
    assert beitie("change", "Wang", "--role", "annotator", "--closed").exit_code == 0
    assert users.check("Wang", password) is None
    assert "closed" in beitie("list").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "a b", "--role", "archivist"], "is no user name"),
        (["password", "Nobody"], "There is no user 'Nobody'"),
        (["add", "Wang", "--role", "king"], "king"),
    ],
)
def test_what_cannot_be_is_said(users, words, said):
    result = beitie(*words)
    assert result.exit_code != 0
    assert said in result.stderr
