"""The reward in TRL's form: `GRPOTrainer(..., reward_funcs=execution_reward)`."""

from collections.abc import Mapping, Sequence
from typing import Any

from ray_app.reward.question import question_of
from ray_app.reward.scorer import shared

Message = Mapping[str, str]


def execution_reward(
    prompts: Sequence[Any],
    completions: Sequence[str | Sequence[Message]],
    *,
    reward_model: Sequence[Mapping[str, str]],
    extra_info: Sequence[Mapping[str, Any]],
    **columns: Any,
) -> list[float]:
    """The rewards of completions, texts or chats, to rows of `pipelines.export_rl`, whose columns the trainer hands on.

    InputError for rows of another kind.
    """
    questions = [question_of(m["ground_truth"], e) for m, e in zip(reward_model, extra_info, strict=True)]
    replies = [completion if isinstance(completion, str) else completion[-1]["content"] for completion in completions]
    return [found.score for found in shared().score(list(zip(questions, replies, strict=True)))]
