"""Writes the file tree of the README out of the modules' own first sentences.

python -m tests.architecture.readme_tree           prints it
python -m tests.architecture.readme_tree --write   puts it between the README's two marks
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("pipelines", "annotation", "training", "assets")
BEGIN, END = "<!-- tree: python -m tests.architecture.readme_tree --write -->", "<!-- /tree -->"
OTHER = {
    ".html": "page template",
    ".css": "style of the page",
    ".js": "what the page does by itself",
    ".md": "text for people",
    ".xml": "the labelling screen",
    ".toml": "data that users extend",
    ".safetensors": "weights",
    ".json": "data",
    ".jsonl": "a log, one line at a time",
    ".txt": "data",
}
TOP = {
    "tests/": "mirror the packages by path; architecture/ checks the rules, benchmarks/ measures",
    "pyproject.toml": "dependencies by extra, and every tool's configuration",
    "dagster.yaml": "the Dagster instance: SQLite, pools, no telemetry",
    "Makefile": "the verbs; bare `make` lists them",
    ".requirements/": "the locks, and the script that installs them",
}


def render() -> str:
    """The tree, one line a file: its path, then the first sentence of its docstring."""
    lines = []
    for package in PACKAGES:
        lines += _folder(ROOT / package, 0)
    width = max(len(name) for name, _ in [*lines, *((name, "") for name in TOP)]) + 2
    lines += list(TOP.items())
    return "\n".join(f"{name:<{width}}{phrase}".rstrip() for name, phrase in lines)


def _folder(folder: Path, depth: int) -> list[tuple[str, str]]:
    charter = folder / "__init__.py"
    lines = [("  " * depth + folder.name + "/", _phrase(charter) if charter.exists() else "")]
    entries = [p for p in folder.iterdir() if p.name not in {"__init__.py", "__pycache__"}]
    for path in sorted(entries, key=lambda p: (p.is_dir(), p.name)):
        if path.is_dir():
            lines += _folder(path, depth + 1)
        elif not path.name.startswith("."):
            lines.append(("  " * (depth + 1) + path.name, _phrase(path)))
    return lines


def _phrase(path: Path) -> str:
    if path.suffix != ".py":
        return OTHER[path.suffix]
    first = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    sentence = " ".join(first.replace("``", "").split()).split(". ")[0].rstrip(".")
    return sentence if len(sentence) <= 110 else sentence[:107].rsplit(" ", 1)[0] + " ..."


def block() -> str:
    """What stands between the marks of the README, marks included."""
    return f"{BEGIN}\n```text\n{render()}\n```\n{END}"


def main() -> None:
    """Print the tree, or write it into the README."""
    if "--write" not in sys.argv[1:]:
        sys.stdout.write(render() + "\n")
        return
    readme = ROOT / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    readme.write_text(before + block() + rest.split(END)[1])


if __name__ == "__main__":
    main()
