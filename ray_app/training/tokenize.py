"""Samples become token sequences in which only the response is to be learned.

The prompt and the response are tokenized apart, so the boundary lies exactly where generation will start: the model is
trained on the tokens that it will have to continue.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ray_app.errors import InputError
from ray_app.records import NARRATOR, Reject, Sample
from ray_app.training.config import PromptStyle

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STAGE = "tokenize"


@dataclass(frozen=True, slots=True)
class Document:
    """One tokenized sample. The loss is taken on `input_ids[prompt_length:]`; `cut` tokens did not fit.

    `is_taught`: a language model wrote the response.
    """

    id: str
    task: str
    difficulty: int
    prompt_length: int
    cut: int
    input_ids: tuple[int, ...]
    is_taught: bool = False

    @property
    def response_length(self) -> int:
        return len(self.input_ids) - self.prompt_length


def encode(
    rows: Iterable[Sample], tokenizer: "PreTrainedTokenizerBase", style: PromptStyle, max_length: int
) -> Iterator[Document | Reject]:
    """Each sample as a Document of at most `max_length` tokens, or a Reject that says why it cannot teach anything.

    A response that is too long loses its tail, and `cut` says how many tokens; one of which nothing would be left
    (reason "prompt-too-long") or that is empty ("no-response-tokens") is rejected. `check_tokenizer` comes first.
    """
    render = _chat if style == "chat" else _paper
    for row in rows:
        prompt, response = render(row, tokenizer) if row.response.strip() else ([], [])
        if not response:
            yield Reject(STAGE, row.id, "no-response-tokens", f"task {row.task}")
        elif len(prompt) >= max_length:
            yield Reject(STAGE, row.id, "prompt-too-long", f"{len(prompt)} prompt tokens, context {max_length}")
        else:
            ids = (*prompt, *response)
            cut = max(0, len(ids) - max_length)
            is_taught = row.author not in ("", NARRATOR)
            yield Document(row.id, row.task, row.difficulty, len(prompt), cut, ids[:max_length], is_taught)


def check_tokenizer(tokenizer: "PreTrainedTokenizerBase", style: PromptStyle) -> None:
    """InputError where `style` cannot be written with this tokenizer."""
    if style == "chat" and not tokenizer.chat_template:
        raise InputError(
            f"the tokenizer of {tokenizer.name_or_path!r} has no chat template: use prompt_style=paper, "
            "or an instruct model"
        )
    if style == "paper" and tokenizer.eos_token_id is None:
        raise InputError(f"the tokenizer of {tokenizer.name_or_path!r} has no end-of-sequence token: use another model")


def rendered(row: Sample, tokenizer: "PreTrainedTokenizerBase", style: PromptStyle) -> tuple[str, str]:
    """Prompt and response of a sample as the very texts that are tokenized, special tokens in words."""
    return _chat_texts(row, tokenizer) if style == "chat" else _paper_texts(row, tokenizer)


def _chat(row: Sample, tokenizer: "PreTrainedTokenizerBase") -> tuple[list[int], list[int]]:
    prompt, response = _chat_texts(row, tokenizer)
    return _ids(tokenizer, prompt), _ids(tokenizer, response)


def _chat_texts(row: Sample, tokenizer: "PreTrainedTokenizerBase") -> tuple[str, str]:
    user = [{"role": "user", "content": row.prompt}]
    reply = [*user, {"role": "assistant", "content": row.response}]
    prompt = str(tokenizer.apply_chat_template(user, tokenize=False, add_generation_prompt=True))
    whole = str(tokenizer.apply_chat_template(reply, tokenize=False))
    if not whole.startswith(prompt):
        raise InputError(
            f"the chat template of {tokenizer.name_or_path!r} rewrites the prompt once a reply follows: "
            "use prompt_style=paper"
        )
    return prompt, whole[len(prompt) :]


def _paper_texts(row: Sample, tokenizer: "PreTrainedTokenizerBase") -> tuple[str, str]:
    return str(tokenizer.bos_token or "") + row.prompt, row.response + str(tokenizer.eos_token or "")


def _paper(row: Sample, tokenizer: "PreTrainedTokenizerBase") -> tuple[list[int], list[int]]:
    start = [] if tokenizer.bos_token_id is None else [cast(int, tokenizer.bos_token_id)]
    end = [] if tokenizer.eos_token_id is None else [cast(int, tokenizer.eos_token_id)]
    return start + _ids(tokenizer, row.prompt), _ids(tokenizer, row.response) + end


def _ids(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    return cast(list[int], tokenizer(text, add_special_tokens=False)["input_ids"])
