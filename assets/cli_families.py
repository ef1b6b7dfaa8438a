"""``beitie adapt``, ``attribute`` and ``restyle``: hands learned, hands told apart, pages aged.

Keeps out: the models (``training``), and the commands about the reader (``assets.cli``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from assets.terminal import explained, open_project, tell
from pipelines.records import Script

SCRIPTS = tuple(script.value for script in Script)[:5]
SHOWN_HANDS = 3


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=Path)
@click.option("--hand", required=True, help="What the hand shall be called.")
@click.option("--script", type=click.Choice(SCRIPTS), required=True, help="The script it is in.")
@click.option("--steps", default=0, help="Of learning; 0 leaves it to the recipe.")
@click.option("-o", "--out", type=Path, required=True, help="Folder to make.")
@explained
def adapt(images: tuple[Path, ...], hand: str, script: str, steps: int, out: Path) -> None:
    """Learn a hand from about five characters, each a picture named after it (永.png).

    Then `beitie write TEXT --family calliffusion --adapter FOLDER` writes in it.
    """
    from assets.commands import run_training
    from assets.families import family_checkpoint

    project = open_project()
    arguments = [*(str(image.resolve()) for image in images), "--hand", hand, "--script", script]
    arguments += ["--checkpoint", str(family_checkpoint(project, "calliffusion"))]
    arguments += ["--out", str(out.resolve()), "--steps", str(steps)]
    run_training(project.settings, "adapt", arguments, on_progress=tell)
    click.echo(str(out))


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=Path)
@click.option("--enrolled", type=Path, help="Folder with a folder of pictures for each hand.")
@click.option("--json", "as_json", is_flag=True, help="The whole report as one JSON object.")
@explained
def attribute(images: tuple[Path, ...], enrolled: Path | None, as_json: bool) -> None:
    """Who wrote this? The likest of the known hands, or none of them."""
    from assets.commands import run_training
    from assets.families import family_checkpoint

    project = open_project()
    arguments = [str(image.resolve()) for image in images]
    arguments += ["--checkpoint", str(family_checkpoint(project, "scriptvit"))]
    arguments += ["--enrolled", str(enrolled.resolve())] if enrolled else []
    report = run_training(project.settings, "attribute", arguments, on_progress=tell)
    click.echo(json.dumps(report, ensure_ascii=False) if as_json else _told(report))


@click.command()
@click.argument("pages", nargs=-1, required=True, metavar="PAGE...", type=Path)
@click.option("--like", multiple=True, required=True, type=Path, help="Scan; may be repeated.")
@click.option("-o", "--out", type=Path, required=True, help="Folder to make.")
@click.option("--sdxl", type=Path, help="Stable Diffusion XL in diffusers' layout; needs a GPU.")
@click.option("--ip-adapter", type=Path, help="Weights of an image adapter, beside --sdxl.")
@click.option("--strength", default=1.0, show_default=True, help="0 leaves the page as it is.")
@click.option("--seed", default=0, show_default=True)
@explained
def restyle(
    pages: tuple[Path, ...],
    like: tuple[Path, ...],
    out: Path,
    sdxl: Path | None,
    ip_adapter: Path | None,
    strength: float,
    seed: int,
) -> None:
    """Set clean pages into the surface of real scans, so that their ink stays legible."""
    from assets.commands import run_training

    arguments = [str(page.resolve()) for page in pages]
    arguments += ["--like", *(str(scan.resolve()) for scan in like)]
    arguments += ["--out", str(out.resolve()), "--strength", str(strength), "--seed", str(seed)]
    arguments += ["--sdxl", str(sdxl.resolve())] if sdxl else []
    arguments += ["--ip-adapter", str(ip_adapter.resolve())] if ip_adapter else []
    run_training(open_project().settings, "restyle", arguments, on_progress=tell)
    click.echo(str(out))


def _told(report: dict[str, Any]) -> str:
    """One line a picture, and one for all together."""
    lines = [f"{one['file']}: {_verdict(one)}" for one in report["images"]]
    if "together" in report:
        lines.append(f"all together: {_verdict(report['together'])}")
    return "\n".join(lines)


def _verdict(said: dict[str, Any]) -> str:
    near = ", ".join(f"{name} {distance:.2f}" for name, distance in said["nearest"][:SHOWN_HANDS])
    mixed = "" if said["looks_like_one_hand"] else "; it looks like several hands"
    who = "none of the known hands" if said["is_rejected"] else said["hand"]
    return f"{who} (nearest: {near}; accepted up to {said['threshold']:.2f}){mixed}"
