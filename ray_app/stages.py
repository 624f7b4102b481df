"""The stages of a run in the order in which data flows: the one list, from which plan and report are made."""

from dataclasses import dataclass

from ray_app.store import Dataset


@dataclass(frozen=True, slots=True)
class Text:
    """How a stage is called: what it does, what a row of it is, and what a report lacks without it.

    `grows`: it costs more the more rows a run is to give. What is scored does not.
    """

    title: str
    row: str
    lost: str
    grows: bool = True


STAGES: dict[str, Text] = {
    "mined": Text("Mine functions from source trees", "programs", "programs mined from real code"),
    "grown": Text("Grow programs with the typed generator", "programs", "generated programs"),
    "asked": Text("Ask the teacher model", "programs", "programs written by a teacher model"),
    "signatures": Text("Sign programs for comparison", "signatures", "what programs are compared by"),
    "pairs": Text("Find programs that are alike", "stretches of pairs", "pairs of near-duplicates"),
    "twins": Text("Name programs that repeat earlier ones", "stretches of programs", "which programs repeat others"),
    "programs": Text("Deduplicate, decontaminate, select", "programs", "the selected programs"),
    "executions": Text("Execute and trace in the sandbox", "programs", "executions, traces and their statistics"),
    "monologues": Text("Narrate and verify", "monologues", "verified monologues, claims and sample rows"),
    "explained": Text("Ask the teacher to explain runs", "monologues", "explanations written by a teacher model"),
    "repairs": Text("Plant bugs and diagnose them", "repairs", "bugs with verified diagnoses and fixes"),
    "samples": Text("Make samples from monologues", "samples", "samples of the monologue and prediction tasks"),
    "samples-nl": Text("Make samples from descriptions", "samples", "samples of the description-to-code task"),
    "samples-repair": Text("Make samples from repairs", "samples", "samples of the repair task"),
    "samples-explained": Text(
        "Make samples from explanations", "samples", "samples of a teacher's explanations of runs"
    ),
    "pyx": Text("Export in the PyX row format", "rows", "the PyX export"),
    "pyx-r": Text("Export in the PyX-R row format", "rows", "the PyX-R export"),
    "messages": Text("Export as chat messages", "rows", "the chat export"),
    "training": Text("Fine-tune the model", "models", "the fine-tuned model and its training curves", False),
    "claims-base": Text(
        "Follow true texts before fine-tuning", "decisions", "claim accuracy before fine-tuning", False
    ),
    "claims-tuned": Text("Follow true texts after fine-tuning", "decisions", "claim accuracy after fine-tuning", False),
    "scores-base": Text("Score the model before fine-tuning", "graded answers", "scores before fine-tuning", False),
    "scores-tuned": Text("Score the model after fine-tuning", "graded answers", "scores after fine-tuning", False),
}
SOURCES = ("mined", "grown", "asked")
MADE_SAMPLES = ("samples", "samples-nl", "samples-repair")
"""what every run makes for training"""
SAMPLES = (*MADE_SAMPLES, "samples-explained")
"""what training reads; the last where a teacher was asked"""


def sample_sets(root: str) -> list[Dataset]:
    """The datasets under a root that training reads."""
    found = [Dataset(root, name) for name in SAMPLES]
    return [dataset for dataset in found if dataset.name in MADE_SAMPLES or dataset.plan() is not None]
