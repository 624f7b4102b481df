"""The reward as an environment of the `verifiers` package (before its version 0.4, which has another form).

from ray_app.reward.environment import load_environment
environment = load_environment(path="runs/demo/rl/train.parquet", eval_path="runs/demo/rl/held_out.parquet")
"""

import json
from typing import Any

import pyarrow.parquet as pq

from ray_app.errors import InputError
from ray_app.reward.question import question_of
from ray_app.reward.scorer import shared


def load_environment(path: str = "", eval_path: str = "", **settings: Any) -> Any:
    """A `vf.SingleTurnEnv` over the rows of `pipelines.export_rl`; `settings` go to it.

    InputError where no file is named, or `verifiers` is missing or too new.
    """
    if not path:
        raise InputError("no path: name a file that `python -m pipelines.export_rl` wrote")
    try:
        import verifiers as vf  # pyright: ignore[reportMissingImports]
        from datasets import Dataset
    except ImportError as error:
        raise InputError(f"{error}: pip install 'verifiers<0.4' datasets") from error
    if not hasattr(vf, "SingleTurnEnv"):
        raise InputError(f"verifiers {vf.__version__} has no SingleTurnEnv: pip install 'verifiers<0.4'")
    rows = [Dataset.from_list(_rows(each)) if each else None for each in (path, eval_path)]
    rubric = vf.Rubric(funcs=[execution_reward])
    return vf.SingleTurnEnv(dataset=rows[0], eval_dataset=rows[1], rubric=rubric, **settings)


async def execution_reward(completion: Any, answer: str, info: Any, **unused: Any) -> float:
    """The reward of one rollout."""
    reply = completion if isinstance(completion, str) else _content(completion[-1])
    return (await shared().score_async([(question_of(answer, info), reply)]))[0].score


def _content(message: Any) -> str:
    return message["content"] if isinstance(message, dict) else message.content


def _rows(path: str) -> list[dict[str, Any]]:
    return [
        {
            "prompt": row["prompt"],
            "answer": row["reward_model"]["ground_truth"],
            "info": json.dumps(row["extra_info"]),
        }
        for row in pq.read_table(path).to_pylist()
    ]
