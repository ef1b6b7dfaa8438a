"""The README cannot rot: its tree, its commands and its words are those of the project."""

import re
import subprocess

import pytest

from tests.architecture import readme_tree
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
NOUNS = {
    "Scan": "原件",
    "Page": "頁",
    "Column": "列",
    "Reading": "釋讀",
    "Review": "校訂",
    "Sample": "樣本",
    "Model": "模型",
    "Release": "發布",
    "Batch": "批次",
}


def test_the_tree_is_the_real_one():
    assert readme_tree.block() in README, (
        "the README's tree is stale: python -m tests.architecture.readme_tree --write"
    )


def test_every_make_verb_it_names_exists():
    verbs = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b(?=[^\n]*(?:`|  |$))", "\n".join(code_of(README))))
    assert named
    assert named <= verbs


def test_every_command_it_names_exists():
    from assets.cli import main

    verbs = set(re.findall(r"\bbeitie ([a-z]+)", "\n".join(code_of(README))))
    assert verbs
    assert verbs <= set(main.commands)


@pytest.mark.parametrize(("english", "chinese"), NOUNS.items())
def test_the_glossary_has_the_nine_nouns(english, chinese):
    assert re.search(rf"\| *{english}[^|]*\|[^\n]*{chinese}", README)


def test_every_link_and_picture_is_there():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_changelog_speaks_of_this_version():
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[
        1
    ]
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0].startswith(("Unreleased", version))


def test_bare_make_lists_the_verbs():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"make demo", "make test", "make up"} <= set(re.findall(r"make [a-z]+", listed))


def code_of(text):
    """Fenced blocks and inline code."""
    return re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)
