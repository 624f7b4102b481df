"""Difficulty and diversity figures."""

import ast
import json

import pytest

from ray_app.programs.stats import SURFACE, depth, entropy, statistics
from ray_app.records import Execution, Program, TracedProgram
from ray_app.tracing.model import Event, Trace

CODE = "def f(s):\n    if s:\n        return [c.upper() for c in s if c.isalpha()]\n    return sorted(s)\n"


def traced(source: str, *lines: int) -> TracedProgram:
    events = tuple(Event("line", line, 0, 0, "f") for line in lines)
    run = Execution("f('a')", "ok", "['A']", None, "", 5, (), Trace(events))
    program = Program("id", source, CODE, "f", ("f('a')",), "", "o", "MIT", 2)  # type: ignore[arg-type]
    return TracedProgram("id", program, (run,), "seccomp", "3.11.7", "c")


def test_figures_are_per_source_and_json_ready() -> None:
    found = statistics([traced("mine", 2, 3), traced("mine", 2, 4), traced("grow", 2, 3)])
    assert list(found) == ["grow", "mine"]
    mine = json.loads(json.dumps(found["mine"].as_data()))
    assert (mine["programs"], mine["pairs"]) == (2, 2)
    assert mine["methods"] == {"upper": 2, "isalpha": 2}
    assert mine["methods_by_type"]["str"] == [2, len(SURFACE["str"])]
    assert mine["methods_by_type"]["list"][0] == 0
    assert mine["functions"] == {"sorted": 2}
    assert mine["branch_depth"] == {"2": 2}
    assert mine["difficulty"] == {"2": 2}
    assert mine["trace_events"] == {"min": 2, "p10": 2, "p50": 2, "p90": 2, "p99": 2, "max": 2}
    assert mine["line_coverage"] == pytest.approx(2 / 3, abs=1e-3)
    assert mine["branch_coverage"] == 0.5
    assert mine["licenses"] == {"MIT": 2}


def test_no_programs_give_no_figures() -> None:
    assert statistics([]) == {}


def test_depth_counts_nested_branches_only() -> None:
    assert depth(ast.parse("x = f(g(h(1)))")) == 0
    assert depth(ast.parse("for i in x:\n    if i:\n        pass\nif y:\n    pass")) == 2


def test_entropy_is_in_bits() -> None:
    assert entropy({"a": 1, "b": 1, "c": 1, "d": 1}) == 2.0
    assert entropy({"a": 5}) == 0.0
    assert entropy({}) == 0.0
