"""What was written, for the eye: the standard font, the hand's own ink and the model side by side.

Holds: ``writing_sheet``.

Keeps out: figures (``training.fidelity``), pages of writing alone (``training.sheets``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from training.fidelity import OWN_INK, STANDARD, WRITTEN, JudgedHand

Ink = npt.NDArray[np.uint8]

CELL_PX, LABEL_PX, GAP_PX = 80, 18, 14
HANDS_IN_A_ROW = 3


def writing_sheet(judged: Sequence[JudgedHand], *, in_column: int, shown: int = 3) -> Image.Image:
    """A picture with one block a hand: columns from right to left, black on white.

    Args:
        judged: What was written.
        in_column: Characters of a column.
        shown: Columns of each hand.
    """
    blocks = [_block(one, in_column, shown) for one in judged]
    wide, tall = blocks[0].width, blocks[0].height
    rows = -(-len(blocks) // HANDS_IN_A_ROW)
    across = min(len(blocks), HANDS_IN_A_ROW)
    sheet = Image.new("L", (across * (wide + GAP_PX), rows * (tall + GAP_PX)), 255)
    for place, block in enumerate(blocks):
        row, column = divmod(place, HANDS_IN_A_ROW)
        sheet.paste(block, (column * (wide + GAP_PX), row * (tall + GAP_PX)))
    return sheet


def _block(judged: JudgedHand, in_column: int, shown: int) -> Image.Image:
    hand = judged.hand
    side = hand.standard.shape[1]
    written = np.concatenate([column.ink.reshape(-1, side, side) for column in judged.columns])
    sources = {STANDARD: hand.standard, OWN_INK: hand.own, WRITTEN: written}
    wide = shown * CELL_PX
    top = 2 * LABEL_PX + GAP_PX
    block = Image.new("L", (3 * wide + 2 * GAP_PX, top + in_column * CELL_PX), 255)
    draw, font = ImageDraw.Draw(block), ImageFont.load_default(LABEL_PX - 2)
    draw.text((0, 0), f"{hand.name} ({hand.script.value})", fill=0, font=font)
    for place, (source, cells) in enumerate(sources.items()):
        left = place * (wide + GAP_PX)
        said = source if len(cells) else f"{source}: not at hand"
        draw.text((left, LABEL_PX), said, fill=90, font=font)
        for number, cell in enumerate(cells[: shown * in_column]):
            column, row = divmod(number, in_column)
            picture = Image.fromarray(255 - cell).resize(
                (CELL_PX, CELL_PX), Image.Resampling.BICUBIC
            )
            block.paste(picture, (left + (shown - 1 - column) * CELL_PX, top + row * CELL_PX))
        draw.rectangle((left, top - 2, left + wide - 1, block.height - 1), outline=200)
    return block
