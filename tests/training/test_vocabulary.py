"""The character table."""

import pytest

from pipelines.errors import ModelError
from pipelines.scripts import canonical
from training.vocabulary import Vocabulary, build_vocabulary


def test_ids_follow_the_order_and_forms_fold():
    table = Vocabulary(("禮", "無", "一"))
    assert [table.id_of(c) for c in "禮礼无一"] == [0, 0, 1, 2]
    assert table.id_of("鬱") is None


def test_a_table_survives_its_file(tmp_path):
    table = Vocabulary(("禮", "無", "一"))
    table.save(tmp_path / "vocabulary.txt")
    again = Vocabulary.load(tmp_path / "vocabulary.txt")
    assert again == table
    assert again.fingerprint == table.fingerprint


def test_order_is_part_of_the_fingerprint():
    assert Vocabulary(("一", "二")).fingerprint != Vocabulary(("二", "一")).fingerprint


@pytest.mark.parametrize(("characters", "problem"), [("一一", "twice"), ("礼", "canonical")])
def test_what_stands_twice_or_folds_is_refused(characters, problem):
    with pytest.raises(ModelError, match=problem):
        Vocabulary(tuple(characters))


def test_a_missing_or_odd_file_is_named(tmp_path):
    with pytest.raises(ModelError, match="no character table"):
        Vocabulary.load(tmp_path / "absent.txt")
    (tmp_path / "odd.txt").write_text("一\n二三\n")
    with pytest.raises(ModelError, match="二三"):
        Vocabulary.load(tmp_path / "odd.txt")


def test_texts_and_usage_count_alike_and_the_result_is_stable():
    table = build_vocabulary(["鬱鬱鬱鬱"] * 50, 300)
    assert len(table) == 300
    assert "鬱" in table.characters
    assert "的" in table.characters
    assert all(canonical(c) == c for c in table.characters)
    assert build_vocabulary(["鬱鬱鬱鬱"] * 50, 300) == table
