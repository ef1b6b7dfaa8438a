import pytest

from pipelines.errors import MaterialError
from pipelines.geometry import Box
from pipelines.truth import DAMAGED_LOSS, TrueCharacter, TruePage, read_truth, write_truth

CHARACTER = TrueCharacter(box=Box(1, 2, 30, 40), written="国", canonical="國", column=0, loss=0.1)
PAGE = TruePage(file="works/a/page-001.png", width=100, height=200, characters=(CHARACTER,))


def test_truth_survives_its_file(tmp_path):
    write_truth(tmp_path / "truth" / "a.json", "題", [PAGE])
    assert read_truth(tmp_path / "truth" / "a.json") == [PAGE]


def test_damage_begins_at_its_threshold():
    assert not CHARACTER.is_damaged
    lost = TrueCharacter(
        box=CHARACTER.box, written="国", canonical="國", column=0, loss=DAMAGED_LOSS
    )
    assert lost.is_damaged


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2, "pages": []}', '{"format": 1}'])
def test_anything_else_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(MaterialError, match="Make the corpus again"):
        read_truth(tmp_path / "a.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(MaterialError, match=r"a\.json is not the truth"):
        read_truth(tmp_path / "a.json")
