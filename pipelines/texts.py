"""What was written again and again: classical texts to draw synthetic works from.

    python -m pipelines.texts --into DIR [ID...]      fetch the collections of ``texts.toml``

Holds: ``Text``, reading a folder of texts (JSON collections, fortune files, plain text), leaving
out what held-out works share, and how often each character occurs. Only Han characters are kept,
in traditional forms: punctuation is an editor's, and no inscription has it.

Keeps out: packages (``pipelines.packages``), drawing (``pipelines.synthesis``).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.errors import BeitieError, MaterialError
from pipelines.packages import LOCK_FILE, take
from pipelines.scripts import canonical, is_han, normalize_text, to_simplified, to_traditional
from pipelines.truth import Exclusion

BUNDLED = Path(__file__).with_name("texts.toml")

_BODY_KEYS = ("paragraphs", "content")
_TITLE_KEYS = ("title", "chapter", "rhythmic")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FORTUNE_TITLE = re.compile(r"^(?:题目[:\uff1a]\s*)?《(.+)》\s*$")
_FORTUNE_AUTHOR = re.compile(r"^作者[:\uff1a](.+)$")
_EDITORIAL = re.compile(r"[(\uff08\[\u3014][^)\uff09\]\u3015]*[)\uff09\]\u3015]")
_DOCUMENTS = {"copyright", "changelog", "readme"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text: ``body`` holds Han characters alone, traditional; ``file`` says where from."""

    title: str
    author: str
    body: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One entry of ``texts.toml``."""

    name: str
    licence: str
    source: str
    files: tuple[str, ...]
    sha256: str = ""
    by_default: bool = False
    base: Path = BUNDLED.parent


def load_collections(registry: Path | None = None) -> dict[str, Collection]:
    """The collections by id: the bundled ones, then the user's, which may replace entries.

    Raises:
        MaterialError: If a list cannot be read or an entry has unknown or missing keys.
    """
    collections: dict[str, Collection] = {}
    for path in (BUNDLED, registry):
        if path is None:
            continue
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8"))["texts"]
            for key, entry in entries.items():
                entry["files"] = tuple(entry["files"])
                collections[key] = Collection(**entry, base=path.parent)
        except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise MaterialError(
                f"The list of texts {path} cannot be used: {error}. Expected [texts.ID] tables "
                f"with name, licence, source, files and optionally sha256, by_default; see "
                f"{BUNDLED}.",
                reason="registry_malformed",
            ) from error
    return collections


def load_texts(folder: Path) -> list[Text]:
    """Every text below a folder, in the order of file names.

    JSON is searched for objects with a title (``title`` or ``chapter``) and a body
    (``paragraphs`` or ``content``, a list of lines); the author is inherited from the object
    around it. Files whose entries end in ``%`` are fortune files. Any other ``.txt`` is one text.
    Remarks in brackets go. Simplified texts become traditional, decided text by text; the
    conversion looks at modern phrases, so a few classical words come out wrong (余 "I" as 餘):
    prefer traditional sources where the wording matters.

    Raises:
        MaterialError: If the folder does not exist, holds no text, or a JSON file is broken.
    """
    if not folder.is_dir():
        raise MaterialError(
            f"There is no folder {folder}. Fetch texts into it (python -m pipelines.texts --into "
            f"{folder}), or put .txt files there.",
            reason="texts_missing",
        )
    texts: list[Text] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        is_document = path.stem.lower() in _DOCUMENTS or path.name.upper().startswith("LICEN")
        if path.name == LOCK_FILE or path.name.startswith(".") or is_document:
            continue
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json":
            found = _from_json(_parsed(path), path.stem, "")
        elif path.suffix in ("", ".txt"):
            found = _from_plain(_ANSI.sub("", path.read_text(encoding="utf-8")), path.stem)
        else:
            continue
        for title, author, raw in found:
            body = normalize_text(_EDITORIAL.sub("", raw), only_han=True).replace("□", "")
            if not body:
                continue
            author = _EDITORIAL.sub("", author).strip()
            if is_simplified(body):
                title, author, body = (to_traditional(part) for part in (title, author, body))
            texts.append(Text(title=title, author=author, body=body, file=name))
    if not texts:
        raise MaterialError(
            f"{folder} holds no text: no .json, .txt or fortune file with Han characters. Fetch "
            f"some (python -m pipelines.texts --into {folder}).",
            reason="texts_missing",
        )
    return texts


def is_simplified(text: str) -> bool:
    """Whether more of its characters exist only as simplified forms than only as traditional."""
    simplified = sum(canonical(c) != c and to_simplified(c) == c for c in text)
    traditional = sum(to_simplified(c) != c for c in text)
    return simplified > traditional


def exclude_shared(
    texts: Sequence[Text], held_out: Iterable[str], run_length: int
) -> tuple[list[Text], Exclusion]:
    """Texts without what held-out works have too, so that nothing is learnt by heart.

    A run of ``run_length`` canonical characters that occurs in a held-out text is cut out, and a
    text falls into pieces there; pieces shorter than two runs go as well. Variants and simplified
    forms count as equal.

    Args:
        texts: What synthetic pages are drawn from.
        held_out: Bodies of the works that a model will be judged on.
        run_length: Shorter runs are idioms that everybody uses; about six.

    Returns:
        What is left, and how much was left out.
    """
    shared: set[str] = set()
    held_out_characters = 0
    for body in held_out:
        folded = "".join(canonical(c) for c in normalize_text(body, only_han=True))
        held_out_characters += len(folded)
        shared.update(_runs(folded, run_length))
    kept: list[Text] = []
    cut_texts = 0
    for text in texts:
        pieces = _unshared(text.body, shared, run_length)
        cut_texts += pieces != [text.body]
        kept += [replace(text, body=piece) for piece in pieces]
    before = sum(len(text.body) for text in texts)
    return kept, Exclusion(
        run_length=run_length,
        held_out_characters=held_out_characters,
        texts=cut_texts,
        all_texts=len(texts),
        characters=before - sum(len(text.body) for text in kept),
        all_characters=before,
    )


def _runs(body: str, length: int) -> Iterator[str]:
    return (body[start : start + length] for start in range(len(body) - length + 1))


def _unshared(body: str, shared: set[str], run_length: int) -> list[str]:
    """The pieces of a body between runs that are shared."""
    if not shared:
        return [body]
    folded = "".join(canonical(c) for c in body)
    found = [run in shared for run in _runs(folded, run_length)]
    if not any(found):
        return [body]
    is_gone = [False] * len(body)
    for start, is_shared in enumerate(found):
        if is_shared:
            is_gone[start : start + run_length] = [True] * run_length
    pieces: list[str] = []
    start = 0
    for end in range(len(body) + 1):
        if end == len(body) or is_gone[end]:
            if end - start >= 2 * run_length:
                pieces.append(body[start:end])
            start = end + 1
    return pieces


def character_frequencies(texts: Iterable[Text]) -> dict[str, int]:
    """How often each canonical character occurs, the commonest first, ties by code point."""
    counts = Counter(canonical(c) for text in texts for c in text.body if is_han(c))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MaterialError(
            f"{path} is not JSON: {error}. Correct or remove it.", reason="text_malformed"
        ) from error


def _from_json(value: Any, title: str, author: str) -> Iterator[tuple[str, str, str]]:
    """Bodies anywhere in nested objects, with the nearest title and author around them."""
    if isinstance(value, list):
        for item in value:
            yield from _from_json(item, title, author)
    if not isinstance(value, dict):
        return
    named = (value[key] for key in _TITLE_KEYS if isinstance(value.get(key), str))
    title = next(named, title)
    if isinstance(value.get("author"), str):
        author = value["author"]
    for key in _BODY_KEYS:
        body = value.get(key)
        if isinstance(body, str):
            body = [body]
        if isinstance(body, list) and body and all(isinstance(line, str) for line in body):
            yield title, author, "".join(body)
        else:
            yield from _from_json(body, title, author)


def _from_plain(text: str, stem: str) -> Iterator[tuple[str, str, str]]:
    """One text, or the entries of a fortune file, which stand between lines of ``%``."""
    entries = re.split(r"^%\s*$", text, flags=re.MULTILINE)
    for entry in entries:
        title, author, lines = stem, "", []
        for line in entry.splitlines():
            if len(entries) > 1 and (match := _FORTUNE_AUTHOR.match(line)):
                author = match[1].strip()
            elif len(entries) > 1 and (match := _FORTUNE_TITLE.match(line)):
                title = match[1]
            else:
                lines.append(line)
        yield title, author, "".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command that fetches; the exit status is 1 if a collection failed."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.texts")
    parser.add_argument("ids", nargs="*", metavar="ID", help="default: those of the demo")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="text folder")
    parser.add_argument("--registry", type=Path, help="a list of your own, beside the bundled one")
    given = parser.parse_args(arguments)
    try:
        collections = load_collections(given.registry)
        for key in given.ids or [key for key, item in collections.items() if item.by_default]:
            if key not in collections:
                raise MaterialError(
                    f"There is no collection {key!r}. Known: {', '.join(collections)}.",
                    reason="unknown_text",
                )
            item = collections[key]
            _, was_fetched = take(
                item.source,
                item.files,
                given.into / key,
                archive_sha256=item.sha256,
                base=item.base,
            )
            sys.stdout.write(f"{key}: {'fetched' if was_fetched else 'already there'}\n")
    except BeitieError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
