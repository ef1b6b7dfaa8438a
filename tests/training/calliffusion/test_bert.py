"""Prompts told by a language model: a miniature BERT, saved by transformers itself."""

from dataclasses import replace

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from pipelines.errors import ModelError
from pipelines.glyphs.registry import load_fonts
from pipelines.records import Script
from training.families.calliffusion.bert import LONGEST, BertPrompts, chinese_prompts


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"楷行书颜真卿;"]
    (made / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=LONGEST,
    )  # fmt: skip
    BertModel(config).save_pretrained(made)
    BertTokenizer.from_pretrained(made).save_pretrained(made)
    return made


def test_states_of_each_prompt_and_nothing_beyond_its_end(folder):
    prompts = BertPrompts.opened(folder)
    assert prompts.width == 16
    states = prompts.encode(["楷书; 颜真卿", "行书", ""])
    assert states.shape == (3, LONGEST, 16)
    assert states[1].any(dim=1).sum() == 4  # with the marks at both ends
    assert not states[2].any()
    assert torch.allclose(states[1:2], prompts.encode(["行书"]), atol=1e-6)
    assert not torch.allclose(states[0], states[1])


def test_it_is_never_trained_and_known_by_its_weights(folder):
    prompts = BertPrompts.opened(folder)
    assert not any(p.requires_grad for p in prompts.model.parameters())
    prompts.require(prompts.fingerprint)
    with pytest.raises(ModelError, match="fingerprint none"):
        prompts.require("")


def test_a_folder_without_one_is_refused(tmp_path):
    with pytest.raises(ModelError, match="There is no language model"):
        BertPrompts.opened(tmp_path)


def test_prompts_say_script_and_hand(tmp_path):
    font = replace(load_fonts(None, tmp_path)["ma-shan-zheng"], script=Script.CLERICAL)
    assert chinese_prompts({"a": font}) == {"a": "隶书; Ma Shan Zheng"}
