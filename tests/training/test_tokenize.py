"""The loss is taken on response tokens and on nothing else; what does not fit is counted or refused, never hidden."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from ray_app.errors import InputError
from ray_app.records import Reject, Sample
from ray_app.training.tokenize import Document, check_tokenizer, encode

ROW = Sample("a", "output", "assert f(2) == ??", "[ANSWER]3", "p", 0, "train")


@pytest.fixture(scope="module")
def tokenizer(model_path: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(model_path)


def one(row: Sample, tokenizer: PreTrainedTokenizerBase, style: str = "chat", limit: int = 128) -> Document | Reject:
    (made,) = encode([row], tokenizer, style, limit)  # type: ignore[arg-type]
    return made


def test_encode_chat_learns_exactly_the_reply(tokenizer: PreTrainedTokenizerBase) -> None:
    made = one(ROW, tokenizer)
    assert isinstance(made, Document)
    assert tokenizer.decode(made.input_ids[: made.prompt_length]) == "<|user|>assert f(2) == ??<|end|><|assistant|>"
    assert tokenizer.decode(made.input_ids[made.prompt_length :]) == "[ANSWER]3<|end|>"


def test_encode_paper_frames_with_bos_and_eos(tokenizer: PreTrainedTokenizerBase) -> None:
    made = one(ROW, tokenizer, "paper")
    assert isinstance(made, Document)
    assert tokenizer.decode(made.input_ids) == "<s>assert f(2) == ??[ANSWER]3</s>"
    assert made.input_ids[0] == tokenizer.bos_token_id
    assert made.input_ids[-1] == tokenizer.eos_token_id


def test_encode_long_response_is_cut_and_counted(tokenizer: PreTrainedTokenizerBase) -> None:
    whole = one(ROW, tokenizer)
    assert isinstance(whole, Document)
    made = one(ROW, tokenizer, limit=len(whole.input_ids) - 2)
    assert isinstance(made, Document)
    assert made.cut == 2
    assert made.input_ids == whole.input_ids[:-2]


def test_encode_prompt_that_fills_the_context_is_rejected(tokenizer: PreTrainedTokenizerBase) -> None:
    whole = one(ROW, tokenizer)
    assert isinstance(whole, Document)
    made = one(ROW, tokenizer, limit=whole.prompt_length)
    assert isinstance(made, Reject)
    assert made.reason == "prompt-too-long"
    assert isinstance(one(ROW, tokenizer, limit=whole.prompt_length + 1), Document)


def test_encode_empty_response_is_rejected(tokenizer: PreTrainedTokenizerBase) -> None:
    made = one(Sample("a", "output", "x", " \n", "p", 0, "train"), tokenizer, "paper")
    assert isinstance(made, Reject)
    assert made.reason == "no-response-tokens"


def test_check_tokenizer_without_chat_template_names_the_remedy(model_path: Path) -> None:
    bare = AutoTokenizer.from_pretrained(model_path)
    bare.chat_template = None
    with pytest.raises(InputError, match="prompt_style=paper"):
        check_tokenizer(bare, "chat")
    check_tokenizer(bare, "paper")


def test_encode_template_that_rewrites_history_is_refused(model_path: Path) -> None:
    odd = AutoTokenizer.from_pretrained(model_path)
    odd.chat_template = "{{ messages | length }}{{ messages[0].content }}"
    with pytest.raises(InputError, match="rewrites the prompt"):
        one(ROW, odd)
