"""What a model card tells after the training."""

import pytest

from assets import release_pointer
from assets.model_cards import evaluation_part, tell_on_card
from assets.promotion import judge
from pipelines.errors import ModelError
from tests.assets.examples import NOW, a_comparison, a_model, a_project


def test_a_part_is_added_once_and_replaced_by_its_heading(tmp_path):
    (tmp_path / "card.md").write_text("# A model\n\nParent: another one.\n")
    tell_on_card(tmp_path, "## On the frozen split\n\n12 % wrong.\n")
    tell_on_card(tmp_path, "## Released\n\nToday.\n")
    tell_on_card(tmp_path, "## On the frozen split\n\n11 % wrong.\n")
    card = (tmp_path / "card.md").read_text()
    assert card.startswith("# A model\n\nParent: another one.\n\n## Released")
    assert card.count("frozen split") == 1
    assert "11 % wrong" in card
    assert "12 % wrong" not in card
    assert [file.name for file in tmp_path.iterdir()] == ["card.md"]


def test_figures_say_what_was_drawn_again_and_whom_they_compare():
    rows = [a_comparison(-2.5)]
    part = evaluation_part(rows, judge(rows, candidate_id="new", release_id="old"))
    assert "It may be released: better" in part
    assert "| new beside old | unicalli | more corrections per 100 | -2.50 |" in part
    assert "| work |" in part


def test_a_release_is_told_on_the_card_and_needs_its_weights(tmp_path):
    project = a_project(tmp_path)
    model = a_model(project, "m1")
    opened = release_pointer.open_release(project, model, reason="better", now=NOW)
    card = (project.models / "m1" / "card.md").read_text()
    assert opened.release_id in card
    assert "better" in card
    gone = a_model(project, "m2")
    (project.models / "m2" / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="m2 cannot be released"):
        release_pointer.open_release(project, gone, reason="better", now=NOW)
