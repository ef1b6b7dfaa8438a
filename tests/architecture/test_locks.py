"""The locks hold what pyproject.toml asks for, leave torch alone, and one OpenCV."""

import re
import tomllib

from tests.conftest import ROOT


def locked(name):
    lines = (ROOT / ".requirements" / name).read_text().split()
    assert all(re.fullmatch(r"[\w.-]+==[\w.!-]+", line) for line in lines), "pins and nothing else"
    return {_normal(line.split("==")[0]): line.split("==")[1] for line in lines}


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    wanted = {_normal(re.match(r"[\w.-]+", text)[0]) for group in groups for text in group}
    assert wanted - set(locked("main.txt")) == {"torch"}


def test_torch_is_left_to_the_platform():
    for name in ("main.txt", "label-studio.txt"):
        assert not [p for p in locked(name) if re.match(r"torch|triton|nvidia|cuda", p)]


def test_there_is_one_opencv():
    assert [p for p in locked("main.txt") if p.startswith("opencv")] == ["opencv-python-headless"]


def test_the_server_and_its_sdk_are_of_one_version():
    assert locked("main.txt")["label-studio-sdk"] == locked("label-studio.txt")["label-studio-sdk"]
