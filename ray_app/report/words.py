"""What the page says about a run in words and headline figures: made from the figures, and from nothing else."""

import json
from typing import Any

from ray_app.progress import duration
from ray_app.report.figures import Figures
from ray_app.report.formats import number, percent


def title(found: Figures) -> str:
    """The recipe's name (training runs carry it too), else the last part of the root."""
    named = (found["recipe"] or {}).get("name") or found["settings"].get("training", {}).get("run_name")
    return f"Recipe {named}" if isinstance(named, str) and named else found["root"].rstrip("/").rsplit("/", 1)[-1]


def summary(found: Figures) -> str:
    """The run in a few sentences, made from its figures."""
    sentences: list[str] = []
    if found["executions"]:
        stage, calls = _stage(found, "executions"), found["executions"]["count"]
        sentences.append(
            f"{number(stage['rows_in'])} programs were executed in the sandbox; {number(stage['rows_out'])} gave "
            f"results fit as ground truth, with {number(calls)} calls."
        )
    if found["monologues"]:
        claims = found["monologues"]["claims"]
        false = claims["count"] - claims["hold"]
        outcome = f"{number(false)} {'does' if false == 1 else 'do'} not hold" if false else "all hold"
        sentences.append(
            f"{number(found['monologues']['count'])} monologues were kept; of their {number(claims['count'])} checked "
            f"claims {outcome} in the recorded runs."
        )
    if found["training"]:
        last = found["training"][-1]
        sentences.append(f"Training ran for {number(last['steps'])} steps.")
    if found["scores"]:
        sentences.append(verdict(found["scores"]))
    sentences += claim_sentences(found["claims"])
    wall = duration(found["totals"]["wall_s"])
    sentences.append(
        f"The stages took {wall} (workers added up) and {number(_tokens(found))} tokens of language models."
    )
    return " ".join(sentences)


def tiles(found: Figures) -> list[dict[str, str]]:
    """The headline figures."""
    made: list[dict[str, str]] = []

    def tile(name: str, value: str, note: str) -> None:
        made.append({"name": name, "value": value, "note": note})

    if found["executions"]:
        stage, calls = _stage(found, "executions"), found["executions"]["count"]
        tile(
            "Programs executed",
            number(stage["rows_in"]),
            f"{number(stage['rows_out'])} kept, with {number(calls)} calls",
        )
    if found["monologues"]:
        parts = ", ".join(f"{number(n)} {name}" for name, n in found["monologues"]["directions"].items())
        tile("Verified monologues", number(found["monologues"]["count"]), parts)
    if found["samples"]:
        parts = ", ".join(f"{number(n)} {name.replace('_', '-')}" for name, n in found["samples"]["splits"].items())
        tile("Samples", number(found["samples"]["count"]), parts)
    if found["training"]:
        run = found["training"][-1]
        losses = run["curves"].get("all", {"eval": [], "train": []})
        kind = "eval" if losses["eval"] else "train"
        curve = losses[kind]
        if curve:
            name = "Held-out loss" if kind == "eval" else "Training loss"
            note = f"steps {curve[0][0]:,} to {curve[-1][0]:,}" if len(curve) > 1 else f"at step {curve[0][0]:,}"
            change = (
                f"{curve[0][1]:.3f} \N{RIGHTWARDS ARROW} {curve[-1][1]:.3f}" if len(curve) > 1 else f"{curve[0][1]:.3f}"
            )
            tile(name, change, note)
    return made


def verdict(scores: dict[str, Any] | None) -> str:
    """How many comparisons moved by more than their interval, in words."""
    groups = (scores or {"groups": []})["groups"]
    pairs = [group["paired"] for group in groups if group["paired"] and group["paired"]["verdict"] != "too few"]
    if not pairs:
        return "There is no before-and-after comparison." if scores else ""
    up, down = (sum(pair["verdict"] == verdict for pair in pairs) for verdict in ("better", "worse"))
    outcomes = ((up, "better"), (down, "worse"), (len(pairs) - up - down, "without a clear difference"))
    told = ", ".join(f"{count} {outcome}" for count, outcome in outcomes if count)
    settings = "1 setting" if len(pairs) == 1 else f"{len(pairs)} settings"
    return f"Before and after fine-tuning were compared in {settings}: {told} (95 % interval and paired test)."


def claim_sentences(claims: dict[str, Any] | None) -> list[str]:
    """How often a model that follows true texts chose the next line and the next value, before and after."""
    told: list[str] = []
    for row in (claims or {"rows": []})["rows"]:
        if row["group"] == "all" and row["base"] and row["tuned"]:
            told.append(f"{row['name']} {percent(row['base']['mean'])} before, {percent(row['tuned']['mean'])} after")
    return [f"Of what true texts state, the model chose by itself: {'; '.join(told)}."] if told else []


def run_summary(run: dict[str, Any]) -> str:
    """One training run in a line: steps, tokens, speed."""
    parts = [f"{number(run['steps'])} steps"]
    if run["tokens"]:
        parts.append(f"{number(run['tokens'])} tokens")
    if run["tokens_per_s"]:
        parts.append(f"{number(round(run['tokens_per_s']))} tokens/s (median step)")
    if run["fill"]:
        parts.append(f"packs {percent(run['fill'])} full")
    if run["mfu"]:
        parts.append(f"{percent(run['mfu'])} of the machine's peak FLOP/s")
    if run["memory_bytes"]:
        parts.append(f"{run['memory_bytes'] / 2**30:.1f} GiB peak memory of a worker")
    return ", ".join(parts)


def base_model(found: Figures) -> str:
    """The model that training started from: its name in the recipe (a packaged model or hub id), or the last part of a
    path."""
    named = (found["recipe"] or {}).get("model")
    if isinstance(named, str) and named:
        return named.rstrip("/").rsplit("/", 1)[-1] if named.startswith(("/", ".", "~")) else named
    return str(found["settings"].get("training", {}).get("model", "")).rstrip("/").rsplit("/", 1)[-1]


def models(found: Figures) -> dict[str, str]:
    """What was scored before and after, in words; "" for a side without scores."""
    scores, base = found["scores"] or {}, base_model(found)
    before, after = scores.get("base_model", ""), scores.get("tuned_model", "")
    if not base:
        return {"base": before, "tuned": after}
    steps = found["training"][-1]["steps"] if found["training"] else 0
    told = f"{base} after {number(steps)} training steps" if steps else f"{base} fine-tuned"
    return {"base": base if before else "", "tuned": told if after else ""}


def curve_summary(curve: dict[str, list[list[float]]]) -> str:
    """First and last value of a curve: of the held-out loss where there is one."""
    points = curve["eval"] or curve["train"]
    kind = "held-out" if curve["eval"] else "training"
    return f"{kind} {points[0][1]:.3f} to {points[-1][1]:.3f}" if len(points) > 1 else f"{kind} {points[0][1]:.3f}"


def settings(found: Figures) -> list[tuple[str, str]]:
    """What every stage was configured with, as dotted keys and values; the recipe's own record where there is one."""
    return _dotted(found["recipe"] or found["settings"])


def _dotted(nested: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in nested.items():
        if isinstance(value, dict) and value:
            rows += _dotted(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)))
    return rows


def _stage(found: Figures, name: str) -> dict[str, Any]:
    return next(stage for stage in found["stages"] if stage["name"] == name)


def _tokens(found: Figures) -> int:
    return found["totals"]["tokens_in"] + found["totals"]["tokens_out"]
