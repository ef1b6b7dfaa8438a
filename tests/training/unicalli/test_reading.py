"""Reading with a model that knows nothing: mechanics, not skill."""

import dataclasses

import numpy as np
import pytest
import torch

from pipelines.errors import ModelError
from pipelines.geometry import Box
from tests.training.examples import CHARACTERS, bundle, drawn_column, library
from training.context import PairModel
from training.families.unicalli.library import BLANK, ReferenceLibrary, cached_library
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.roles import ColumnInk, Proposal


@pytest.fixture
def made(tmp_path):
    whole = bundle()
    return whole, library(tmp_path, whole.autoencoder)


def column(count):
    boxes = tuple(Box(8, 4 + 48 * i, 48, 44 + 48 * i) for i in range(count))
    return ColumnInk(drawn_column(count), boxes)


@pytest.mark.parametrize("count", [1, 5, 7, 60])
def test_one_proposal_a_box_whatever_the_length(made, count):
    (proposals,) = UniCalliReader(*made).read_columns([column(count)])
    assert len(proposals) == count
    for proposal in proposals:
        assert 0 <= proposal.margin <= proposal.score <= 1
        scores = [score for _, score in proposal.candidates]
        assert scores == sorted(scores, reverse=True)
        assert BLANK not in [text for text, _ in proposal.candidates]


def test_a_crop_reads_the_same_whatever_stands_beside_it(made):
    reader = UniCalliReader(*made)
    (alone,) = reader.read_columns([column(3)])
    among = reader.read_columns([column(12), column(3), column(1)])[1]
    assert [p.text for p in alone] == [p.text for p in among]
    assert np.allclose([p.score for p in alone], [p.score for p in among], atol=1e-5)


def test_no_columns_are_no_work(made):
    assert UniCalliReader(*made).read_columns([]) == []


def test_a_low_score_is_refused_but_keeps_its_candidates(made):
    reader = UniCalliReader(*made, ReadingParams(refuse_below=1.1))
    (proposals,) = reader.read_columns([column(2)])
    assert [proposal.text for proposal in proposals] == ["", ""]
    assert all(proposal.candidates for proposal in proposals)


def test_what_follows_what_is_weighed_and_a_blank_cell_parts_it(made, monkeypatch):
    whole, references = made
    size = len(whole.vocabulary)
    # A context that knows one thing: the last character of the table follows everything.
    context = PairModel(
        pairs=(np.arange(size) * size + size - 1).astype(np.int32),
        chances=np.full(size, 0.999, np.float32),
        remaining=np.full(size, 0.001, np.float32),
        common=np.full(size, 1 / size, np.float32),
        fingerprint=whole.vocabulary.fingerprint,
    )
    first, last = CHARACTERS[0], CHARACTERS[-1]
    looks = torch.full((5, size + 1), 0.01)
    looks[:, references.characters.index(first)] = 0.5
    looks[:, references.characters.index(last)] = 0.4
    looks[2] = 0.0
    looks[2, references.characters.index(BLANK)] = 1.0
    monkeypatch.setattr(UniCalliReader, "scores", lambda *_: looks[None])

    def read(weight):
        told = dataclasses.replace(whole, context=context)
        params = ReadingParams(looked_at=size + 1, context_weight=weight)
        (proposals,) = UniCalliReader(told, references, params).read_columns([column(5)])
        assert all(sum(s for _, s in p.candidates) <= 1 + 1e-6 for p in proposals)
        return [proposal.text for proposal in proposals]

    assert read(0.0) == [first, first, "", first, first]
    # Nothing stands before the first of a run, so only its common chance speaks there.
    assert read(1.0) == [first, last, "", first, last]


def test_several_steps_are_allowed(made):
    (proposals,) = UniCalliReader(*made, ReadingParams(steps=3)).read_columns([column(2)])
    assert len(proposals) == 2


def test_chances_of_several_noises_are_averaged(made):
    ink = np.random.default_rng(0).integers(0, 255, (2, 240, 48)).astype(np.uint8)
    apart = [UniCalliReader(*made, ReadingParams(seed=seed)).scores(ink) for seed in (0, 1, 2)]
    together = UniCalliReader(*made, ReadingParams(seeds=3)).scores(ink)
    assert not torch.allclose(apart[0], apart[1], atol=1e-6)
    assert torch.allclose(together, sum(apart) / 3, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"seeds": 0}, {"steps": 0}])
def test_reading_takes_a_step_from_a_noise(made, wrong):
    with pytest.raises(ModelError, match="at least one step from one noise"):
        UniCalliReader(*made, ReadingParams(**wrong))


def test_what_was_seen_before_the_second_reader_spoke_is_kept(made):
    reader, last = UniCalliReader(*made), CHARACTERS[-1]
    (before,) = reader.read_columns([column(2)])
    said = Proposal(text=last, score=0.99, margin=0.9, candidates=((last, 0.99),))
    (told,) = reader.read_columns([dataclasses.replace(column(2), second=(said, said))])
    assert [proposal.text for proposal in told] == [last, last]
    assert [proposal.alone for proposal in told] == [(p.text, p.score) for p in before]
    assert [proposal.alone for proposal in before] == [None, None]


def test_every_reference_finds_itself(made):
    references = made[1]
    assert references.characters == (*CHARACTERS, BLANK)
    found = references.similarity(references.latents).argmax(dim=1)
    assert found.tolist() == list(range(len(references.characters)))


def test_a_character_is_added_without_training(made):
    references = made[1]
    fewer = ReferenceLibrary.from_latents(
        (*CHARACTERS[:-1], BLANK),
        torch.cat([references.latents[:-2], references.latents[-1:]]),
    )
    assert references.characters[-2] not in fewer.characters
    assert references.similarity(references.latents[-2:-1]).argmax() == len(CHARACTERS) - 1


def test_the_library_is_kept_and_found_again(tmp_path, monkeypatch):
    from tests.training import examples
    from training.families.unicalli import library as module

    whole, face = bundle(), examples.face(tmp_path)
    arguments = (whole.vocabulary, face, whole.autoencoder, 48, tmp_path / "cache")
    first = cached_library(*arguments)
    monkeypatch.setattr(module, "build_library", lambda *_: pytest.fail("drawn again"))
    again = cached_library(*arguments)
    assert again.characters == first.characters
    assert torch.equal(again.latents, first.latents)


def test_a_model_that_starts_from_its_eye_reads_what_the_eye_reads(made):
    from training.families.unicalli.stages import (
        single_reader,
        single_writer,
        start_from_singles,
    )

    whole, references = made
    torch.manual_seed(5)
    eye = single_reader(whole.dims)
    torch.nn.init.normal_(eye.read_out.bias, std=0.5)
    brush = single_writer(whole.dims)
    model = start_from_singles(whole.dims, len(CHARACTERS), eye, brush).eval()
    reader = UniCalliReader(dataclasses.replace(whole, model=model), references)
    ink = np.random.default_rng(0).integers(0, 255, (1, 240, 48)).astype(np.uint8)
    scores = reader.scores(ink)[0]
    cells = torch.from_numpy(ink).float().reshape(5, 1, 48, 48) / 127.5 - 1
    similar = references.similarity(eye(whole.autoencoder.encode(cells)))
    expected = (similar * eye.log_temperature.clamp(max=4.6).exp()).softmax(dim=-1)
    assert torch.allclose(scores, expected, atol=1e-4)


def test_what_is_known_stands_and_completes_the_rest(made):
    reader = UniCalliReader(*made)
    known = ("", "中", "", "", "", "人", "")
    (plain,) = reader.read_columns([column(7)])
    (completed,) = reader.read_columns([dataclasses.replace(column(7), known=known)])
    for place, text in enumerate(known):
        if text:
            assert (completed[place].text, completed[place].score) == (text, 1.0)
        else:
            assert completed[place].candidates
    # A network that knows nothing passes on what it is given all the same.
    (unknown,) = reader.read_columns([dataclasses.replace(column(7), known=("",) * 7)])
    assert [p.candidates for p in unknown] == [p.candidates for p in plain]


def test_a_known_character_reaches_the_network_clean(made, monkeypatch):
    whole, references = made
    reader = UniCalliReader(whole, references)
    seen = []
    original = whole.model.read

    def watched(streams, text, times):
        seen.append((streams.content.clone(), text.characters.clone(), times.content.clone()))
        return original(streams, text, times)

    monkeypatch.setattr(whole.model, "read", watched)
    reader.read_columns([dataclasses.replace(column(2), known=("", "中"))])
    ((content, characters, times),) = seen
    side = content.shape[-1]
    place = CHARACTERS.index("中")
    assert times.tolist() == [[1.0, 0.0, 1.0, 1.0, 1.0]]
    assert torch.equal(content[0, :, side : 2 * side], references.latents[place])
    clean = whole.model.embed_characters(torch.tensor([[place]]))[0, 0]
    assert torch.equal(characters[0, 1], clean)


def test_nothing_known_is_given_once_and_something_to_every_column(made, monkeypatch):
    whole, references = made
    reader = UniCalliReader(whole, references)
    ink = np.random.default_rng(0).integers(0, 255, (3, 240, 48)).astype(np.uint8)
    counts = []
    original = whole.model.read

    def watched(streams, text, times):
        counts.append((len(streams.content), len(text.characters), len(times.content)))
        return original(streams, text, times)

    monkeypatch.setattr(whole.model, "read", watched)
    nothing = np.full((3, 5), -1)
    one = nothing.copy()
    one[0, 2] = 4
    shared, expanded = reader.scores(ink, nothing), reader.scores(ink, one)
    assert counts == [(1, 1, 1), (3, 3, 3)]
    assert torch.equal(shared, reader.scores(ink))
    assert torch.allclose(shared[1:], expanded[1:], atol=1e-5)


def test_known_characters_must_be_one_a_box(made):
    with pytest.raises(ValueError, match="2 boxes and 1 known"):
        UniCalliReader(*made).read_columns([dataclasses.replace(column(2), known=("中",))])
