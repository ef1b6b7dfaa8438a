import json

import pytest

from pipelines.errors import MaterialError
from pipelines.packages import parse_source
from pipelines.texts import (
    Text,
    character_frequencies,
    exclude_shared,
    is_simplified,
    load_collections,
    load_texts,
    main,
)


def test_json_is_searched_for_titles_bodies_and_the_author_around_them(tmp_path):
    nested = {
        "title": "千家詩",
        "author": "謝枋得",
        "abstract": "not a text",
        "content": [
            {
                "type": "五言",
                "content": [{"chapter": "春眠", "paragraphs": ["春眠，", "不覺曉。"]}],
            },
            {"chapter": "行宮", "author": "（唐）元稹", "paragraphs": ["寥落（一作冷）古行宮"]},
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(nested), encoding="utf-8")
    assert load_texts(tmp_path) == [
        Text(title="春眠", author="謝枋得", body="春眠不覺曉", file="a.json"),
        Text(title="行宮", author="元稹", body="寥落古行宮", file="a.json"),
    ]


def test_simplified_texts_become_traditional_and_traditional_ones_stay(tmp_path):
    (tmp_path / "a.json").write_text(
        json.dumps([{"title": "关雎", "content": ["关关雎鸠，在河之洲"]}]), encoding="utf-8"
    )
    (tmp_path / "b.txt").write_text("天地之间 后来 里 云", encoding="utf-8")
    (tmp_path / "c.txt").write_text("皇后與雲。裏", encoding="utf-8")
    assert [(t.title, t.body) for t in load_texts(tmp_path)] == [
        ("關雎", "關關雎鳩在河之洲"),
        ("b", "天地之間後來裏雲"),
        ("c", "皇后與雲裏"),
    ]
    assert is_simplified("关关雎鸠")
    assert not is_simplified("天地玄黃")
    assert not is_simplified("")


def test_fortune_files_are_split_into_their_entries(tmp_path):
    (tmp_path / "tang").write_text(
        "\x1b[32m《行宮》\x1b[m\n\x1b[33m作者：元稹\x1b[m\n寥落古行宮，\n宮花寂寞紅。\n%\n"
        "题目:《塞上》\n作者：柳開（９４６－９９９）\n鳴骹直上一千尺\n%\n",
        encoding="utf-8",
    )
    assert [(t.title, t.author, t.body) for t in load_texts(tmp_path)] == [
        ("行宮", "元稹", "寥落古行宮宮花寂寞紅"),
        ("塞上", "柳開", "鳴骹直上一千尺"),
    ]


def test_locks_and_licences_are_not_texts(tmp_path):
    for name in ("lock.json", "LICENSE", "copyright"):
        (tmp_path / name).write_text('{"paragraphs": ["天"]}', encoding="utf-8")
    with pytest.raises(MaterialError, match="holds no text"):
        load_texts(tmp_path)


def test_a_missing_folder_and_broken_json_say_what_to_do(tmp_path):
    with pytest.raises(MaterialError, match=r"python -m pipelines\.texts --into"):
        load_texts(tmp_path / "absent")
    (tmp_path / "a.json").write_text('[{"title"')
    with pytest.raises(MaterialError, match=r"a\.json is not JSON"):
        load_texts(tmp_path)


def test_frequencies_count_canonical_characters_the_commonest_first():
    texts = [Text(title="", author="", body="無无天地天", file="")]
    assert list(character_frequencies(texts).items()) == [("天", 2), ("無", 2), ("地", 1)]


def test_the_bundled_collections_are_pinned(tmp_path):
    collections = load_collections()
    for collection in collections.values():
        is_npm = parse_source(collection.source).kind == "npm"
        assert len(collection.sha256) == (64 if is_npm else 0)
        assert is_npm or not collection.by_default


def test_a_collection_of_ones_own_is_fetched_by_the_command(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "千字文.txt").write_text("天地玄黃", encoding="utf-8")
    registry = tmp_path / "texts.toml"
    registry.write_text(
        '[texts.mine]\nname = "Mine"\nlicence = "public domain"\nsource = "local:mine"\n'
        'files = ["*.txt"]\n'
    )
    command = ["--into", str(tmp_path / "texts"), "--registry", str(registry)]
    assert main([*command, "mine"]) == 0
    assert main([*command, "mine"]) == 0
    assert capsys.readouterr().out == "mine: fetched\nmine: already there\n"
    (text,) = load_texts(tmp_path / "texts")
    assert (text.title, text.body) == ("千字文", "天地玄黃")
    assert main([*command, "nope"]) == 1
    assert (
        "Known: chinese-poetry, chinese-poetry-verse, fortunes-zh, mine" in capsys.readouterr().err
    )


def test_a_malformed_list_names_what_is_wrong(tmp_path):
    registry = tmp_path / "texts.toml"
    registry.write_text('[texts.mine]\nname = "Mine"\nfiles = []\ncolour = "red"\n')
    with pytest.raises(MaterialError, match="colour"):
        load_collections(registry)


def test_the_fetched_texts_hold_the_thousand_characters(material):
    texts = load_texts(material / "texts")
    thousand = next(text for text in texts if text.title == "千字文")
    assert len(thousand.body) == 1000
    assert thousand.body.startswith("天地玄黃宇宙洪荒")
    assert len(character_frequencies(texts)) > 4000


def test_runs_that_held_out_works_share_are_cut_out():
    body = "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏"
    texts = [
        Text(title="一", author="", body=body, file="a"),
        Text(title="二", author="", body="永" * 9, file="b"),
    ]
    kept, exclusion = exclude_shared(texts, ["是日月盈昃也"], run_length=4)
    assert [text.body for text in kept] == [
        "天地玄黃宇宙洪荒",
        "辰宿列張寒來暑往秋收冬藏",
        "永" * 9,
    ]
    assert (exclusion.texts, exclusion.all_texts) == (1, 2)
    assert (exclusion.characters, exclusion.all_characters) == (4, 33)
    assert exclusion.held_out_characters == 6


def test_variants_count_as_the_same_text_and_short_rests_go():
    texts = [Text(title="一", author="", body="天地玄黃宇宙洪荒日月", file="a")]
    kept, exclusion = exclude_shared(texts, ["天地玄黄宇宙"], run_length=4)
    assert kept == []
    assert exclusion.characters == 10


def test_nothing_held_out_changes_nothing():
    texts = [Text(title="一", author="", body="天地玄黃", file="a")]
    assert exclude_shared(texts, [], run_length=2)[0] == texts
