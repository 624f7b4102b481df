"""How hard and how diverse programs are, per source: plain data for the report and the dataset card."""

import ast
import builtins
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ray_app.programs.coverage import measure
from ray_app.records import TracedProgram

SURFACE: dict[str, tuple[str, ...]] = {
    kind.__name__: tuple(sorted(name for name in vars(kind) if not name.startswith("_")))
    for kind in (str, list, dict, set, tuple, int, float)
}
"""The public methods of the built-in types: what method coverage is measured against."""

_BUILTIN_FUNCTIONS = frozenset(name for name in vars(builtins) if name.islower() and not name.startswith("_"))
_EVERYWHERE = (ast.Module, ast.arguments, ast.expr_context)
"""Nodes that say nothing about a program."""

_BRANCHES = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.comprehension, ast.IfExp, ast.Match)


@dataclass(slots=True)
class SourceStatistics:
    """Counts over the programs of one source. `methods` are attribute calls whose name a built-in type has (of which
    type is not known: a name counts for every type that has it); `functions` built-in functions called; lengths are in
    trace events, depth in nested branches and loops."""

    programs: int = 0
    pairs: int = 0
    nodes: Counter[str] = field(default_factory=Counter[str])
    methods: Counter[str] = field(default_factory=Counter[str])
    functions: Counter[str] = field(default_factory=Counter[str])
    trace_lengths: Counter[int] = field(default_factory=Counter[int])
    depths: Counter[int] = field(default_factory=Counter[int])
    code_lines: Counter[int] = field(default_factory=Counter[int])
    calls_per_program: Counter[int] = field(default_factory=Counter[int])
    difficulties: Counter[int] = field(default_factory=Counter[int])
    licenses: Counter[str] = field(default_factory=Counter[str])
    lines: int = 0
    all_lines: int = 0
    outcomes: int = 0
    all_outcomes: int = 0

    def add(self, row: TracedProgram) -> None:
        """Counts one program with its executions."""
        program = row.program
        tree = ast.parse(program.code)
        self.programs += 1
        self.pairs += len(row.executions)
        self.nodes.update(type(node).__name__ for node in ast.walk(tree) if not isinstance(node, _EVERYWHERE))
        self.methods.update(_methods(tree))
        self.functions.update(_functions(tree))
        self.depths[depth(tree)] += 1
        self.code_lines[program.code.count("\n")] += 1
        self.calls_per_program[len(row.executions)] += 1
        self.difficulties[program.difficulty] += 1
        self.licenses[program.license] += 1
        traces = [run.trace for run in row.executions if run.trace is not None]
        self.trace_lengths.update(len(trace.events) for trace in traces)
        coverage = measure(program.code, traces)
        self.lines += coverage.lines
        self.all_lines += coverage.all_lines
        self.outcomes += coverage.outcomes
        self.all_outcomes += coverage.all_outcomes

    def as_data(self) -> dict[str, Any]:
        """JSON-ready figures: quantiles of lengths, histograms, shares between 0 and 1, entropy in bits."""
        known = {name for names in SURFACE.values() for name in names}
        return {
            "programs": self.programs,
            "pairs": self.pairs,
            "trace_events": _quantiles(self.trace_lengths),
            "code_lines": _quantiles(self.code_lines),
            "branch_depth": _histogram(self.depths),
            "difficulty": _histogram(self.difficulties),
            "calls_per_program": _histogram(self.calls_per_program),
            "ast_nodes": dict(self.nodes.most_common(40)),
            "ast_entropy_bits": round(entropy(self.nodes), 3),
            "methods": dict(self.methods.most_common()),
            "method_coverage": round(len(set(self.methods) & known) / len(known), 3),
            "methods_by_type": {
                kind: [sum(name in self.methods for name in names), len(names)] for kind, names in SURFACE.items()
            },
            "functions": dict(self.functions.most_common()),
            "line_coverage": _share(self.lines, self.all_lines),
            "branch_coverage": _share(self.outcomes, self.all_outcomes),
            "licenses": dict(self.licenses.most_common(20)),
        }


def statistics(rows: Iterable[TracedProgram]) -> dict[str, SourceStatistics]:
    """Source ("mine", "grow", "ask") -> what its programs look like; sources in alphabetical order."""
    found: dict[str, SourceStatistics] = defaultdict(SourceStatistics)
    for row in rows:
        found[row.program.source].add(row)
    return dict(sorted(found.items()))


def depth(tree: ast.AST) -> int:
    """The deepest nesting of branches, loops and comprehensions."""
    inner = max((depth(child) for child in ast.iter_child_nodes(tree)), default=0)
    return inner + isinstance(tree, _BRANCHES)


def entropy(counts: Mapping[str, int]) -> float:
    """Shannon entropy of a histogram, in bits; 0 for an empty one."""
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values() if n)


def _methods(tree: ast.AST) -> list[str]:
    known = {name for names in SURFACE.values() for name in names}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [func.attr for func in calls if isinstance(func, ast.Attribute) and func.attr in known]


def _functions(tree: ast.AST) -> list[str]:
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [func.id for func in calls if isinstance(func, ast.Name) and func.id in _BUILTIN_FUNCTIONS]


def _quantiles(counts: Mapping[int, int]) -> dict[str, int]:
    values = sorted(counts)
    total = sum(counts.values())
    if not total:
        return {}
    found: dict[str, int] = {"min": values[0]}
    for name, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        seen = 0
        for value in values:
            seen += counts[value]
            if seen >= share * total:
                found[name] = value
                break
    return {**found, "max": values[-1]}


def _histogram(counts: Mapping[int, int]) -> dict[str, int]:
    return {str(key): counts[key] for key in sorted(counts)}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
