"""The reward in verl's form: name this file, and `compute_score` or `compute_scores`, as the custom reward function.

    custom_reward_function.path=<this file> custom_reward_function.name=compute_score
    custom_reward_function.path=<this file> custom_reward_function.name=compute_scores reward_model.reward_manager=batch

The rows are those of `pipelines.export_rl`. `compute_scores` is the faster one: it uses all cores.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ray_app.reward.question import question_of
from ray_app.reward.scorer import shared

Score = dict[str, float | int | str]
Extra = Mapping[str, Any] | str | None


def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Extra = None, **kwargs: Any
) -> Score:
    """The reward of one reply as "score", beside its parts, which verl logs. InputError for a row of another kind."""
    return shared().score([(question_of(ground_truth, extra_info), solution_str)])[0].as_dict()


def compute_scores(
    data_sources: Sequence[str],
    solution_strs: Sequence[str],
    ground_truths: Sequence[str],
    extra_infos: Sequence[Extra],
    **kwargs: Any,
) -> list[Score]:
    """The rewards of a batch, in order."""
    questions = [question_of(truth, extra) for truth, extra in zip(ground_truths, extra_infos, strict=True)]
    return [found.as_dict() for found in shared().score(list(zip(questions, solution_strs, strict=True)))]


async def compute_score_async(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Extra = None, **kwargs: Any
) -> Score:
    """`compute_score` for reward managers that await it."""
    found = await shared().score_async([(question_of(ground_truth, extra_info), solution_str)])
    return found[0].as_dict()
