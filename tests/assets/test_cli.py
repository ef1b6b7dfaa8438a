"""The front door: what each command prints, and how it fails."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from assets import release_pointer
from assets.cli import main
from pipelines.evaluations import Evaluation
from pipelines.imaging.codec import encode_png
from pipelines.tables import Tables
from tests.assets.examples import (
    a_comparison,
    a_model,
    a_page_scan,
    a_stubbed_project,
)
from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A stubbed project that the environment names, so that the commands find it."""
    home = tmp_path / "home"
    project = a_stubbed_project(home)
    for name in [name for name in os.environ if name.startswith(("BEITIE_", "LABEL_STUDIO_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BEITIE_HOME", str(home))
    monkeypatch.setenv("BEITIE_CHECKPOINT", str(home / "bundled"))
    monkeypatch.setenv("BEITIE_TRAINING_PYTHON", str(home / "stub-python"))
    return project


@pytest.fixture
def page_file(tmp_path, rng):
    file = tmp_path / "page.png"
    file.write_bytes(encode_png(a_page_scan(rng)))
    return file


def beitie(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_read_prints_one_json_line_a_file_columns_from_the_right(project, page_file):
    result = beitie("read", page_file, "--json")
    assert result.exit_code == 0, result.stderr
    (line,) = map(json.loads, result.stdout.splitlines())
    assert line["file"] == str(page_file)
    lefts = [column["box"][0] for column in line["columns"]]
    assert len(lefts) == 3
    assert lefts == sorted(lefts, reverse=True)
    first = line["columns"][0]
    # Figures that a test draws are no writing: one may look like two.
    assert all(5 <= len(column["characters"]) <= 6 for column in line["columns"])
    assert set(first["characters"][0]) == {"box", "text", "score", "candidates", "second"}
    assert isinstance(first["order_doubt"], str)
    assert first["characters"][0]["text"] == "一"
    assert first["characters"][0]["second"] == "三"
    assert first["characters"][0]["candidates"] == [["一", 0.75]]
    tops = [character["box"][1] for character in first["characters"]]
    assert tops == sorted(tops)
    assert line["text"].split("\n")[0] == first["text"] == "一" * len(first["characters"])


def test_read_says_what_is_wrong_with_one_file_and_reads_the_others(project, page_file, tmp_path):
    broken, missing = tmp_path / "broken.png", tmp_path / "missing.png"
    broken.write_bytes(b"")
    blank = tmp_path / "blank.png"
    blank.write_bytes(encode_png(np.full((300, 200), 230, np.uint8)))
    result = beitie("read", broken, page_file, missing, blank, "--json")
    assert result.exit_code == 1
    (line,) = map(json.loads, result.stdout.splitlines())
    assert line["file"] == str(page_file)
    for name in ("broken.png", "missing.png", "blank.png"):
        assert name in result.stderr


def test_read_without_a_reader_says_where_it_looked(project, page_file):
    (project.settings.checkpoint / "model.safetensors").unlink()
    result = beitie("read", page_file)
    assert result.exit_code == 1
    assert "BEITIE_CHECKPOINT" in result.stderr


def test_add_twice_is_once(project, page_file):
    words = ("add", page_file, "--work", "禮器碑", "--rights", "CC0", "--batch", "b1")
    assert "1 new, 0 there already" in beitie(*words).stdout
    again = beitie(*words)
    assert again.exit_code == 0
    assert "0 new, 1 there already" in again.stdout


def test_add_without_a_description_says_what_to_write(project, page_file):
    result = beitie("add", page_file)
    assert result.exit_code == 1
    assert "work.toml" in result.stderr


def test_add_now_takes_the_batch_in_and_status_tells(project, page_file):
    words = ("add", page_file, "--work", "禮器碑", "--rights", "CC0", "--batch", "b1", "--now")
    result = beitie(*words)
    assert result.exit_code == 0, result.stderr
    assert Tables(project.settings.tables_url).batches("second_readings") == ["b1"]
    told = beitie("status").stdout
    assert "b1" in told
    assert "bundled with the program" in told


def test_report_shows_every_page_and_names_a_batch_that_is_not_there(project, page_file, tmp_path):
    beitie("add", page_file, "--work", "禮器碑", "--rights", "CC0", "--batch", "b1", "--now")
    out = tmp_path / "report.html"
    assert beitie("report", "-o", out).exit_code == 0
    page = out.read_text(encoding="utf-8")
    assert page.count("<img") == 5, "four large pictures of the page, and one small"
    assert "page.png" in page
    assert "CC0" in page
    refused = beitie("report", "b2", "-o", out)
    assert refused.exit_code == 1
    assert "b2" in refused.stderr
    assert "b1" in refused.stderr


def test_a_misspelt_variable_is_refused(project, monkeypatch):
    monkeypatch.setenv("BEITIE_TABELS", "x")
    result = beitie("status")
    assert result.exit_code == 1
    assert "BEITIE_TABELS" in result.stderr
    assert "BEITIE_TABLES" in result.stderr


def test_train_without_approvals_says_what_is_missing(project):
    result = beitie("train")
    assert result.exit_code == 1
    assert "nothing to train on" in result.stderr


def test_release_by_hand_wants_a_reason_and_rolls_back(project):
    model = a_model(project, "m1")
    assert beitie("release", "--model", "m1").exit_code == 2
    assert beitie("release", "--model", "nothing", "--reason", "x").exit_code == 1
    result = beitie("release", "--model", model.model_id, "--reason", "the masters like it")
    assert result.exit_code == 0, result.stderr
    assert release_pointer.current(project).reason == "by hand: the masters like it"
    assert "rolled back" in beitie("release", "--rollback").stdout
    refused = beitie("release", "--rollback")
    assert refused.exit_code == 1
    assert "nothing before" in refused.stderr


def test_a_worse_model_is_refused_in_a_sentence(project):
    model = a_model(project, "m1")
    bundled = release_pointer.current(project)
    rows = [a_comparison(10.0, model_id="m1", against=bundled.model_id)]
    project.tables.write("evaluations", model.model_id, Evaluation, rows)
    result = beitie("release")
    assert result.exit_code == 1
    assert "+10.00 beside" in result.stderr
    assert release_pointer.current(project) == bundled


def test_review_without_label_studio_says_how_to_start_it(project, page_file):
    beitie("add", page_file, "--work", "w", "--rights", "CC0", "--batch", "b1", "--now")
    result = beitie("review", "push", "unknown")
    assert result.exit_code == 1
    assert "Batches that have: b1" in result.stderr


def test_export_refuses_what_it_does_not_know_and_what_is_not_there(project, tmp_path):
    result = beitie("export", "docx", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "parquet, jsonl, page-xml" in result.stderr
    result = beitie("export", "jsonl", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "Nothing is approved" in result.stderr


def test_write_overwrites_nothing(project, tmp_path):
    out = tmp_path / "out.png"
    assert beitie("write", "天地", "-o", out).exit_code == 0
    assert out.is_file()
    refused = beitie("write", "天地", "-o", out)
    assert refused.exit_code == 1
    assert "--force" in refused.stderr


def test_write_hands_on_english_words_with_their_lexicon_and_model(project, tmp_path):
    result = beitie(
        "write", "sun water", "--english", "--lexicon", tmp_path / "own.toml",
        "--checkpoint", tmp_path / "signs", "-o", tmp_path / "out.png",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "sun → signs → own.toml" in result.stderr
    assert "water → signs → own.toml" in result.stderr


def test_help_does_not_wait_for_dagster():
    code = (
        "import sys; from assets.cli import main;"
        "print(sorted({'dagster', 'cv2', 'pyarrow'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_every_command_has_help():
    for name in main.commands:
        result = beitie(name, "--help")
        assert result.exit_code == 0
        assert len(result.stdout.splitlines()[2].strip()) > 10, name
