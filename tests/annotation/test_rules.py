"""The rules of review: one person unless the project says otherwise, mistakes named."""

import pytest

from annotation.rules import FILE_NAME, rules_of
from pipelines.errors import MetadataError


def test_one_person_is_enough_unless_the_project_says_otherwise(tmp_path):
    assert not rules_of(tmp_path, "b").needs_second_person
    (tmp_path / FILE_NAME).write_text('people = 1\n[batch."2026-01"]\npeople = 2\n')
    assert rules_of(tmp_path, "2026-01").needs_second_person
    assert not rules_of(tmp_path, "2026-02").needs_second_person
    (tmp_path / FILE_NAME).write_text('people = 2\n[batch."2026-01"]\npeople = 1\n')
    assert not rules_of(tmp_path, "2026-01").needs_second_person
    assert rules_of(tmp_path, "2026-02").needs_second_person


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("people = 3", "asks for 3 people"),
        ("people = true", "asks for True people"),
        ('people = "two"', "asks for 'two' people"),
        ("[batch.a]\npersons = 2", "a names persons"),
        ("batch = 2", "batches are tables"),
        ("people", "is no TOML"),
        ("gold_share = 0.9", "from 0 to 0.5"),
        ('gold_share = "much"', "from 0 to 0.5"),
        ("gold_seed = 0.5", "a whole number"),
    ],
)
def test_a_mistake_is_named_with_the_file(tmp_path, text, said):
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(MetadataError, match=f"{FILE_NAME}.*{said}"):
        rules_of(tmp_path, "b")
