"""Our exam in inspect_ai: what does a call return?

inspect eval integrations/inspect_exam.py --model openai-api/semray/tuned
"""

import sys
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import TaskState, generate

sys.path.insert(0, str(Path(__file__).parent))
import scoring


@task
def semray_exam(max_tokens: int = 512) -> Task:
    """The questions of the file that $SEMRAY_QUESTIONS names; the strict rule."""
    samples = [
        Sample(id=row["id"], input=row["prompt"], target=row["output"], metadata={"call": row["call"]})
        for row in scoring.questions()
    ]
    config = GenerateConfig(temperature=0.0, max_tokens=max_tokens, stop_seqs=[scoring.STOP])
    return Task(dataset=MemoryDataset(samples, name="semray_exam"), solver=generate(), scorer=strict(), config=config)


@scorer(metrics=[accuracy(), stderr()])
def strict() -> Scorer:
    """The answer is a literal of the output's value and types."""

    async def score(state: TaskState, target: Target) -> Score:
        answer = scoring.answered(state.output.completion, state.metadata["call"])
        right = scoring.is_right(answer, target.text)
        return Score(value=CORRECT if right else INCORRECT, answer=answer or "none")

    return score
