"""One desk with a user a role for a module's tests, each on its own project."""

import re
import shutil

import pytest

from tests.annotation.desk.serving import PASSWORD, Browser, a_desk, served, with_users


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


@pytest.fixture
def opened(chromium):
    """Opens pages whose console must stay silent and which ask nobody but the desk."""
    contexts, troubles = [], []

    def open_page(port, name, language="en"):
        context = chromium.new_context(locale=language, viewport={"width": 1100, "height": 800})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda said: troubles.append(said.text) if "Refused" in said.text else None,
        )
        page.on("request", lambda asked: elsewhere(asked.url, port))
        page.goto(f"http://127.0.0.1:{port}/login")
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/$"))
        return page

    def elsewhere(address, port):
        if not address.startswith((f"http://127.0.0.1:{port}/", "data:")):
            troubles.append(f"asked {address}")

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
