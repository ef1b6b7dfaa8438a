"""The arrow between the packages, checked on the real imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_the_import_contracts_are_kept():
    result = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("package", "foreign"),
    [
        ("pipelines", {"torch", "dagster", "label_studio_sdk", "rapidocr", "transformers"}),
        ("annotation", {"torch", "dagster", "rapidocr", "transformers"}),
        ("assets", {"torch", "rapidocr", "transformers"}),
        ("training", {"dagster", "label_studio_sdk"}),
    ],
)
def test_what_a_package_must_not_load_is_not_loaded(package, foreign, tmp_path):
    """Import contracts see written imports; this sees what really comes along, and what is made."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_EVERYTHING, package],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    loaded = {name.split(".")[0] for name in json.loads(result.stdout.splitlines()[-1])}
    assert loaded & foreign == set()
    made = [path for path in tmp_path.rglob("*") if "cache" not in str(path).lower()]
    assert made == [], "nothing happens at import"
