"""Fetch the fonts of the list into a folder.

    python -m pipelines.glyphs.fetch --into DIR [ID...]

Holds: the command, and :func:`fetch_fonts` behind it. Without ids it fetches the default fonts,
all from npm. What is there already is only verified against its lock.

Keeps out: how packages are opened (``pipelines.packages``) and the list itself
(``pipelines.glyphs.registry``).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import BeitieError
from pipelines.glyphs.registry import Font, load_fonts, require_font
from pipelines.packages import take


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What became of one font; ``problem`` is empty if its files are there and as locked."""

    font_id: str
    was_fetched: bool
    problem: str = ""


def fetch_fonts(
    fonts: Mapping[str, Font], font_dir: Path, font_ids: Sequence[str] = ()
) -> Iterator[Fetched]:
    """Fetch fonts one after another; one that fails does not stop the rest.

    Args:
        fonts: The list, from :func:`pipelines.glyphs.registry.load_fonts`.
        font_dir: One folder per font is made in it.
        font_ids: Which; none means those marked ``by_default``.

    Raises:
        FontError: Before anything is fetched, if an id is in no list.
    """
    wanted = [require_font(fonts, font_id, fetched=False) for font_id in font_ids]
    return _fetch(wanted or [font for font in fonts.values() if font.by_default], font_dir)


def _fetch(wanted: Sequence[Font], font_dir: Path) -> Iterator[Fetched]:
    for font in wanted:
        try:
            _, was_fetched = take(
                font.source,
                font.patterns,
                font_dir / font.font_id,
                archive_sha256=font.archive_sha256,
                base=font.base,
            )
        except (BeitieError, OSError) as error:
            yield Fetched(font_id=font.font_id, was_fetched=False, problem=str(error))
        else:
            yield Fetched(font_id=font.font_id, was_fetched=was_fetched)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; the exit status is the number of fonts that failed, at most 1."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.glyphs.fetch")
    parser.add_argument("font_ids", nargs="*", metavar="ID", help="default: the fonts of the demo")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="font folder")
    parser.add_argument("--registry", type=Path, help="a list of your own, beside the bundled one")
    parser.add_argument("--all", action="store_true", help="every font of the list")
    parser.add_argument("--list", action="store_true", help="show the list and fetch nothing")
    given = parser.parse_args(arguments)
    try:
        fonts = load_fonts(given.registry, given.into)
        if given.list:
            for font in fonts.values():
                mark = "fetched" if font.is_fetched else "default" if font.by_default else ""
                _say(
                    f"{font.font_id:18} {font.script:11} {font.form:12} {font.role:8} "
                    f"{mark:8} {font.licence}"
                )
            return 0
        failures = 0
        for fetched in fetch_fonts(fonts, given.into, list(fonts) if given.all else given.font_ids):
            if fetched.problem:
                failures += 1
                sys.stderr.write(f"{fetched.font_id}: {fetched.problem}\n")
            else:
                _say(f"{fetched.font_id}: {'fetched' if fetched.was_fetched else 'already there'}")
    except BeitieError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 1 if failures else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
