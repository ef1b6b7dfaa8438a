"""The pages that benchmarks run on: real ones, and synthetic ones whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assets.demo_material import DemoParams
from assets.resources import ROOT, Project
from pipelines import codh
from pipelines.glyphs.fonts import FontFace
from pipelines.glyphs.registry import load_fonts, require_font
from pipelines.imaging.codec import encode_png
from pipelines.synthesis.hands import Hand
from pipelines.synthesis.works import draw_page
from pipelines.texts import load_texts


def page_files(project: Project, folder: Path) -> dict[str, list[Path]]:
    """Pages by kind: real JPEGs, synthetic rubbings as PNG, real JPEG 2000 where they are."""
    found = {"CODH pages (JPEG)": codh.extract(codh.fetch_wheel(project.home / "codh"), folder)[:6]}
    font = require_font(load_fonts(None, project.home / "fonts"), DemoParams().hand)
    text = max(load_texts(project.home / "texts"), key=lambda item: len(item.body))
    hand, made = Hand(font, FontFace(font.files)), []
    for index in range(3):
        rng = np.random.default_rng(index)
        page = draw_page(text.body[100 * index :], hand, DemoParams().look, rng)
        made.append(folder / f"rubbing-{index}.png")
        made[-1].write_bytes(encode_png(page.image))
    found["synthetic rubbings (PNG)"] = made
    real = sorted((ROOT.parent / "shared" / "data" / "pages").glob("*/*.jp2"))
    if real:
        found["real rubbings (JPEG 2000)"] = [*real[3:6], *real[-3:]]
    return found
