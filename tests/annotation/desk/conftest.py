"""One desk with a user a role for the tests of a module, each on its own project."""

import shutil

import pytest

from tests.annotation.desk.serving import Browser, a_desk, served, with_users


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A home with users in it: hashing passwords is slow on purpose, so it is done once."""
    home = tmp_path_factory.mktemp("prepared")
    with_users(a_desk(home))
    return home / "desk"


@pytest.fixture
def desk(tmp_path, prepared):
    shutil.copytree(prepared, tmp_path / "desk")
    return a_desk(tmp_path)


@pytest.fixture
def port(desk):
    with served(desk) as number:
        yield number


@pytest.fixture
def browser(port):
    return Browser(port)
