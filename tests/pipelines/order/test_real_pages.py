"""Reading order on the 15 CODH pages from their true boxes, ours and the released rule."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.codh import WHEEL_NAME, read_truth
from pipelines.order.params import OrderParams
from pipelines.order.reading import order_columns
from tests.conftest import ROOT
from tests.pipelines.order.measures import OrderScore, score


def wheel() -> Path:
    home = Path(os.environ.get("BEITIE_HOME", ROOT / ".beitie"))
    found = home / "codh" / WHEEL_NAME
    if not found.is_file():
        pytest.skip(f"the 15 CODH pages are not there: no {found}; run `make material`")
    return found


def test_order_on_the_codh_pages_from_their_true_boxes():
    """Characters over all 15 pages, by the measures of ``measures``; no wrong page unflagged."""
    total = OrderScore()
    for page in read_truth(wheel()):
        truth = sorted(page.characters, key=lambda character: character.order)
        orders = order_columns([character.box for character in truth])
        doubted = any(order.is_uncertain for order in orders)
        total += score([order.indices for order in orders], doubted)
    assert total.characters == 2631
    assert total.followed / total.characters >= 0.995
    assert total.in_order / total.characters >= 0.995
    assert total.perfect >= 14
    assert total.wrong_flagged == total.wrong
    assert total.flagged <= 9, "a flag on every page says nothing"


def test_the_released_rule_on_the_same_pages_is_worse():
    total = OrderScore()
    for page in read_truth(wheel()):
        truth = sorted(page.characters, key=lambda character: character.order)
        orders = order_columns([c.box for c in truth], OrderParams(rule="50px"))
        total += score([order.indices for order in orders], False)
    assert 0.8 < total.in_order / total.characters < 0.9
