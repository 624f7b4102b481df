"""`write(root)`: both models' answers side by side, question by question, as one self-contained page.

Like the report, `report/answers.html` holds no script and asks for nothing. Questions stand in the order of interest:
those that only one model answered right first. What is cut says how much is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ray_app.evaluation import metrics
from ray_app.records import Score
from ray_app.report import page, scores
from ray_app.store import Dataset, write_file

PER_OUTCOME = 200
"""Questions of one outcome that are shown; the rest is counted."""
_OUTCOMES: dict[tuple[bool | None, bool | None], str] = {
    (False, True): "only after right",
    (True, False): "only before right",
    (False, False): "both wrong",
    (True, True): "both right",
}
_UNEQUAL = "one not graded"


@dataclass(frozen=True, slots=True)
class Answers:
    """One question as both models answered it; a side without rows was not asked."""

    item_id: str
    prompt: str
    base: tuple[Score, ...]
    tuned: tuple[Score, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The questions of a benchmark that ended alike; at most `PER_OUTCOME` of `count` are in `questions`."""

    name: str
    count: int
    questions: tuple[Answers, ...]


def write(root: str) -> str | None:
    """Write the page under `root` and return where it is; None where nothing was scored."""
    groups = list(compare(root))
    if not groups:
        return None
    target = f"{root}/report/answers.html"
    css = Markup((Path(__file__).parent / "report.css").read_text(encoding="utf-8"))
    text = page.environment().get_template("answers.html").render(root=root, groups=groups, css=css)
    write_file(target, text.encode("utf-8", "backslashreplace"))
    return target


def compare(root: str) -> Iterator[dict[str, Any]]:
    """The figures of each benchmark and prompt format, as in the report, with its questions by outcome."""
    before, after = (scores.grouped(Dataset(root, name).read(Score)) for name in ("scores-base", "scores-tuned"))
    for key in [*before, *(key for key in after if key not in before)]:
        base, tuned = before.get(key, []), after.get(key, [])
        yield scores.group(*key, base, tuned) | {"outcomes": _outcomes(base, tuned)}


def _outcomes(base: list[Score], tuned: list[Score]) -> list[Outcome]:
    left, right = metrics.by_problem(base), metrics.by_problem(tuned)
    found: dict[str, list[Answers]] = {name: [] for name in (*_OUTCOMES.values(), _UNEQUAL)}
    for key in [*left, *(key for key in right if key not in left)]:
        mine, theirs = left.get(key, []), right.get(key, [])
        name = _OUTCOMES.get((_is_right(mine), _is_right(theirs)), _UNEQUAL)
        found[name].append(Answers(key, (mine or theirs)[0].prompt, tuple(mine), tuple(theirs)))
    return [Outcome(name, len(all_), tuple(all_[:PER_OUTCOME])) for name, all_ in found.items() if all_]


def _is_right(rows: list[Score]) -> bool | None:
    """Whether most graded samples pass strictly; None where none was graded."""
    n, c = metrics.counts(rows, "strict")
    return 2 * c > n if n else None
