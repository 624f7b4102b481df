"""`write(root)`: the report as one self-contained page (`report/report.html`) and as JSON (`report/report.json`).

The page holds no script and asks for nothing: its content policy forbids both, so that hostile rows stay text even if
one slipped through the escaping. It follows light and dark, narrow screens and print by style sheet alone.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ray_app.evaluation.metrics import OUTCOMES
from ray_app.report import charts, formats, words
from ray_app.report.examples import HEAD_STEPS
from ray_app.report.figures import Figures, figures
from ray_app.report.highlight import highlight
from ray_app.store import write_file

_FOLDER = Path(__file__).parent


def write(root: str) -> str:
    """Write both files under `root` and return where the page is. StoreError if there is no run, or it is corrupt."""
    found = figures(root)
    target = f"{root}/report/report.html"
    write_file(f"{root}/report/report.json", (json.dumps(found, indent=1) + "\n").encode("utf-8", "backslashreplace"))
    write_file(target, render(found).encode("utf-8", "backslashreplace"))
    return target


def render(found: Figures) -> str:
    """The page for these figures."""
    return (
        environment()
        .get_template("report.html")
        .render(
            f=found,
            css=Markup((_FOLDER / "report.css").read_text(encoding="utf-8")),
            charts=charts,
            title=words.title(found),
            summary=words.summary(found),
            tiles=words.tiles(found),
            scale=_scale(found["scores"], levels=False),
            models=words.models(found),
            outcomes=(*OUTCOMES, "cut"),
            claim_scale=_claim_scale(found["claims"]),
            level_scale=_scale(found["scores"], levels=True),
            funnel_top=max((step["count"] for step in found["funnel"]), default=0),
            settings=words.settings(found),
            sections=_sections(found),
            head_steps=HEAD_STEPS,
            run_summary=words.run_summary,
            base_model=words.base_model(found),
            loss_scale=loss_scale,
        )
    )


def environment() -> jinja2.Environment:
    """The templates of this room: everything is escaped, an unknown name is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    made.filters.update(_FILTERS)
    return made


def loss_scale(run: dict[str, Any]) -> tuple[float, float]:
    """The lowest and highest loss of a run, for one scale in all panels."""
    values = [y for curve in run["curves"].values() for kind in ("train", "eval") for _, y in curve[kind]]
    return min(values), max(values)


def with_markup(code: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Markup]]:
    """Each code line with its highlighted text."""
    return list(zip(code, highlight([line["text"] for line in code]), strict=True))


def counts(rows: list[dict[str, Any]], key: str) -> dict[str, int]:
    """Rows of a key and a count, for a bar chart."""
    return {str(row[key]): row["count"] for row in rows}


def _scale(scores: dict[str, Any] | None, *, levels: bool) -> float:
    groups = (scores or {"groups": []})["groups"]
    rows = [level for group in groups for level in group["levels"]] if levels else groups
    return charts.scale_end([row[key]["high"] for row in rows for key in ("base", "tuned") if row[key]])


def _claim_scale(claims: dict[str, Any] | None) -> float:
    rows = (claims or {"rows": []})["rows"]
    return charts.scale_end([row[key]["high"] for row in rows for key in ("base", "tuned") if row[key]])


def _sections(found: Figures) -> list[tuple[str, str, bool]]:
    data = any(found[key] for key in ("programs", "executions", "monologues", "samples"))
    return [
        ("scores", "Scores", bool(found["scores"])),
        ("claims", "Claim accuracy", bool(found["claims"])),
        ("funnel", "Funnel", bool(found["funnel"])),
        ("rows", "Rows", bool(found["examples"])),
        ("taught", "Teacher", bool(found["teaching"])),
        ("refused", "Refused", bool(found["rejects"])),
        ("cost", "Yield and cost", True),
        ("training", "Training", bool(found["training"])),
        ("data", "Data", data),
        ("settings", "Settings", True),
    ]


_FILTERS: dict[str, Callable[..., Any]] = {
    "number": formats.number,
    "percent": formats.percent,
    "points": formats.points,
    "pvalue": formats.p_value,
    "seconds": formats.seconds,
    "money": formats.money,
    "shorten": formats.shorten,
    "curve_summary": words.curve_summary,
    "with_markup": with_markup,
    "counts": counts,
}
