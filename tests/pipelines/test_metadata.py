"""What people tell of a work: sidecars, flags, and every way to get them wrong."""

import pytest

from pipelines.errors import MetadataError
from pipelines.metadata import KNOWN_KEYS, WorkMetadata, read_metadata, work_id_of
from pipelines.records import Script

GOOD = 'title = "禮器碑"\nrights = "public domain"\nscript = "clerical"\n'


def refusal(file, overrides=None):
    with pytest.raises(MetadataError) as caught:
        read_metadata(file, overrides)
    return caught.value


def test_a_sidecar_describes_the_folder_and_all_below(tmp_path):
    (tmp_path / "work.toml").write_text(GOOD)
    described = read_metadata(tmp_path / "book" / "deep" / "img-1.jp2")
    assert described == WorkMetadata(
        title="禮器碑", rights="public domain", script=Script.CLERICAL, calligrapher="unknown"
    )


def test_the_nearest_sidecar_wins_whole(tmp_path):
    folder = tmp_path / "book"
    folder.mkdir()
    (tmp_path / "work.toml").write_text(GOOD)
    (folder / "work.toml").write_text('title = "B"\nrights = "CC0"\n')
    (folder / "2.jpg.toml").write_text('title = "C"\nrights = "CC0"\n')
    assert read_metadata(tmp_path / "1.jpg").title == "禮器碑"
    assert read_metadata(folder / "1.jpg").title == "B"
    assert read_metadata(folder / "1.jpg").script is Script.UNKNOWN
    assert read_metadata(folder / "2.jpg").title == "C"


def test_flags_override_single_keys(tmp_path):
    (tmp_path / "work.toml").write_text(GOOD)
    described = read_metadata(tmp_path / "1.jpg", {"calligrapher": "anon", "title": None})
    assert (described.title, described.calligrapher) == ("禮器碑", "anon")
    alone = read_metadata(tmp_path / "1.jpg", {"title": "X", "rights": "CC0", "script": "seal"})
    assert (alone.title, alone.script) == ("X", Script.SEAL)


def test_an_unknown_key_names_the_file_and_the_known_keys(tmp_path):
    (tmp_path / "work.toml").write_text(GOOD + 'righs = "CC0"\ncity = "曲阜"\n')
    error = refusal(tmp_path / "1.jpg")
    assert error.reason == "unknown_key"
    assert f"{tmp_path / 'work.toml'} has unknown keys: city, righs." in str(error)
    assert ", ".join(KNOWN_KEYS) in str(error)


def test_an_unknown_flag_is_refused_too(tmp_path):
    (tmp_path / "work.toml").write_text(GOOD)
    error = refusal(tmp_path / "1.jpg", {"colour": "red"})
    assert error.reason == "unknown_key"
    assert "work.toml with the flags has unknown keys: colour" in str(error)


@pytest.mark.parametrize(
    ("text", "reason", "sentence"),
    [
        ('calligrapher = "A"', "missing_key", "lacks title and rights. Known keys are title"),
        ('title = "A"\nrights = "  "', "missing_key", "lacks rights."),
        (GOOD.replace("clerical", "gothic"), "unknown_script", "script = 'gothic'. Known are seal"),
        ("title = 3\nrights = 'CC0'", "invalid_metadata", "title = 3, which is no text"),
        (GOOD + "is_synthetic = 'no'", "invalid_metadata", "true or false is expected"),
        ("title = ", "invalid_metadata", "is no TOML in UTF-8"),
    ],
)
def test_a_wrong_sidecar_is_refused(tmp_path, text, reason, sentence):
    (tmp_path / "work.toml").write_text(text)
    error = refusal(tmp_path / "1.jpg")
    assert error.reason == reason
    assert sentence in str(error)
    assert str(tmp_path / "work.toml") in str(error)


def test_a_sidecar_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "work.toml").write_bytes('title = "孔子"'.encode("big5"))
    assert refusal(tmp_path / "1.jpg").reason == "invalid_metadata"


def test_without_any_description_it_says_what_to_write(tmp_path):
    error = refusal(tmp_path / "1.jpg")
    assert error.reason == "no_metadata"
    assert "Write 1.jpg.toml or work.toml beside it with at least title and rights" in str(error)


def test_a_work_is_the_same_in_any_spelling_but_not_by_another_hand():
    same = work_id_of("Lanting  Preface", "Wang Xizhi")
    assert work_id_of("lanting preface ", "\uff37ang Xizhi") == same
    assert work_id_of("Lanting Preface", "Chu Suiliang") != same
    metadata = WorkMetadata(title="Lanting Preface", rights="CC0", calligrapher="Wang Xizhi")
    assert metadata.work().work_id == same
