"""How the inspector shows each dataset: what can be filtered, what is searched, which columns a list has.

Paths name leaves of nested columns, as in `ray_app.report.query`.
"""

from dataclasses import dataclass

from ray_app.records import ClaimScore, Monologue, Program, Reject, Repair, Sample, Score, TracedProgram
from ray_app.store import Dataset


@dataclass(frozen=True, slots=True)
class View:
    """One list. `filters` and `columns` map a name on the page to a path; `within` is what the search looks into."""

    title: str
    record: type | None
    filters: dict[str, str]
    within: tuple[str, ...]
    columns: dict[str, str]


_PROGRAMS = View(
    "programs",
    Program,
    {"source": "source", "difficulty": "difficulty", "license": "license"},
    ("code", "description", "origin", "id"),
    {"entry": "entry", "source": "source", "difficulty": "difficulty", "origin": "origin", "license": "license"},
)
_SAMPLES = View(
    "samples",
    Sample,
    {"task": "task", "split": "split", "difficulty": "difficulty"},
    ("prompt", "response", "program_id"),
    {"task": "task", "split": "split", "difficulty": "difficulty", "response": "response"},
)
_SCORES = View(
    "graded answers",
    Score,
    {"benchmark": "benchmark", "prompt": "prompt_format", "status": "status", "strict": "strict", "end": "finish"},
    ("prompt", "generation", "item_id"),
    {"benchmark": "benchmark", "item": "item_id", "status": "status", "strict": "strict", "generation": "generation"},
)
_CLAIMS = View(
    "decisions of a model that follows a true text",
    ClaimScore,
    {"kind": "kind", "work": "work", "leap": "leap", "right": "right"},
    ("stated", "chosen", "program_id"),
    {"kind": "kind", "work": "work", "leap": "leap", "stated": "stated", "chosen": "chosen", "right": "right"},
)
_CALLS = "executions.list.element"
_MONOLOGUES = View(
    "monologues",
    Monologue,
    {"direction": "direction", "source": "source", "difficulty": "difficulty", "author": "author"},
    ("code", "text", "call", "exception", "program_id"),
    {
        "call": "call",
        "output": "output",
        "raises": "exception",
        "direction": "direction",
        "source": "source",
        "difficulty": "difficulty",
    },
)
_EXPLANATIONS = View(
    "a teacher's explanations",
    Monologue,
    {**_MONOLOGUES.filters, "edits": "edits.list.element.kind"},
    _MONOLOGUES.within,
    {
        "call": "call",
        "output": "output",
        "direction": "direction",
        "author": "author",
        "edits": "edits.list.element.kind",
    },
)
VIEWS: dict[str, View] = {
    "monologues": _MONOLOGUES,
    "explained": _EXPLANATIONS,
    "repairs": View(
        "repairs",
        Repair,
        {"mistake": "mutation", "difficulty": "difficulty"},
        ("buggy", "diagnosis", "failing_test", "program_id"),
        {"failing test": "failing_test", "mistake": "mutation", "difficulty": "difficulty"},
    ),
    "executions": View(
        "traced programs",
        TracedProgram,
        {"source": "program.source", "difficulty": "program.difficulty", "status": f"{_CALLS}.status"},
        ("program.code", "program.description", "program.origin", f"{_CALLS}.call", "id"),
        {
            "entry": "program.entry",
            "source": "program.source",
            "difficulty": "program.difficulty",
            "statuses": f"{_CALLS}.status",
            "origin": "program.origin",
        },
    ),
    "programs": _PROGRAMS,
    "mined": _PROGRAMS,
    "grown": _PROGRAMS,
    "asked": _PROGRAMS,
    "samples": _SAMPLES,
    "samples-nl": _SAMPLES,
    "samples-repair": _SAMPLES,
    "samples-explained": _SAMPLES,
    "scores-base": _SCORES,
    "scores-tuned": _SCORES,
    "claims-base": _CLAIMS,
    "claims-tuned": _CLAIMS,
    "pyx": View("PyX rows", None, {}, ("nl", "fwd_mnl", "bwd_mnl", "response"), {"id": "id", "response": "response"}),
    "pyx-r": View("PyX-R rows", None, {}, ("fault", "response"), {"response": "response"}),
    "messages": View(
        "chat rows", None, {"task": "task"}, ("instruction", "response"), {"task": "task", "response": "response"}
    ),
}
REJECTS = View(
    "refused rows", Reject, {"reason": "reason"}, ("detail", "id"), {"reason": "reason", "id": "id", "detail": "detail"}
)
_SUFFIX = ".rejects"


def view_of(name: str) -> View | None:
    """The view of a dataset, or of its refused rows ("programs.rejects")."""
    return REJECTS if name.endswith(_SUFFIX) and name.removesuffix(_SUFFIX) in VIEWS else VIEWS.get(name)


def shards_of(root: str, name: str) -> list[str]:
    """The shard files that a view reads, in order."""
    dataset = Dataset(root, name.removesuffix(_SUFFIX))
    folder = f"{dataset.path}/rejects" if name.endswith(_SUFFIX) else dataset.path
    return [f"{folder}/{shard}" for shard in dataset.shard_names()]


def lists(root: str) -> list[tuple[str, str, int]]:
    """(name, title, rows) of every list that has rows; counts are those of the ledgers."""
    found: list[tuple[str, str, int]] = []
    for name, view in VIEWS.items():
        dataset = Dataset(root, name)
        manifest = dataset.manifest()
        ledgers = [manifest.ledger] if manifest else [shard.ledger for shard in dataset.finished_shards().values()]
        found.append((name, view.title, sum(ledger.rows_out for ledger in ledgers)))
        found.append((f"{name}{_SUFFIX}", REJECTS.title, sum(sum(ledger.rejects.values()) for ledger in ledgers)))
    return [entry for entry in found if entry[2]]
