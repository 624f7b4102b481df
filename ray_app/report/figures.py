"""Every figure of a run as plain JSON: read from manifests, shards, metrics and scores, never from memory.

A run may be partial: a stage that is missing or unfinished is listed in `missing`, and its figures are None.
"""

import datetime
import json
import platform
from typing import Any

import psutil

from ray_app import __version__
from ray_app.errors import StoreError
from ray_app.report import claims, curves, examples, scores, shape, stages
from ray_app.report.diversity import diversity
from ray_app.report.teaching import teaching
from ray_app.store import read_file

Figures = dict[str, Any]


def figures(root: str) -> Figures:
    """All figures of the run under `root`; StoreError if there is no run or one of its files is corrupt."""
    ledger = stages.ledger(root)
    recipe = read_recipe(root)
    if recipe is None and all(stage["status"] == "missing" for stage in ledger):
        raise StoreError(f"{root} holds no run: no stage has written there; give the --root of a run")
    return {
        "root": root,
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "version": __version__,
        "recipe": recipe,
        "settings": stages.settings(root),
        "missing": stages.missing(ledger),
        "stages": ledger,
        "totals": stages.totals(ledger),
        "funnel": stages.funnel(root, ledger),
        "programs": shape.programs(root),
        "executions": shape.executions(root),
        "diversity": diversity(root),
        "monologues": shape.monologues(root),
        "samples": shape.samples(root),
        "training": curves.runs(root),
        "scores": scores.compare(root),
        "claims": claims.compare(root),
        "teaching": teaching(root),
        "explanations": examples.explanations(root),
        "examples": examples.rows(root),
        "rejects": examples.rejects(root, ledger),
    }


def read_recipe(root: str) -> dict[str, Any] | None:
    """The resolved recipe of the run, None where it was not written."""
    data = read_file(f"{root}/recipe.json")
    if data is None:
        return None
    try:
        found = json.loads(data)
    except ValueError as error:
        raise StoreError(f"{root}/recipe.json is not valid JSON ({error}); delete it and run again") from error
    return found if isinstance(found, dict) else {"recipe": found}


def machine() -> str:
    """The machine that this process runs on, in words."""
    cores = psutil.cpu_count(logical=True) or 1
    memory = psutil.virtual_memory().total / 2**30
    return f"{platform.system()} {platform.machine()}, {cores} CPU cores, {memory:.0f} GiB memory"
