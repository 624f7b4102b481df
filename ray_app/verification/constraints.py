"""Constraints held against inputs that were tried: true of all that give the output, and false of some other."""

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ray_app.parsing import parse_expression
from ray_app.programs.tries import Execute, Trial, Tried, find_breaking, judge, try_inputs
from ray_app.semantics.record import Run
from ray_app.verification.backward_text import Said
from ray_app.verification.statement import Statement

_OTHER_TRIES = "verification"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a constraint on the inputs of an output is held against."""

    code: str
    output: str
    tried: Tried
    trials: tuple[Trial, ...]
    """Those of `tried` first, then inputs that the author cannot have known."""
    execute: Execute


def ground(run: Run, tried: Tried, witness: Trial, execute: Execute) -> Ground:
    """The inputs tried by everybody, the witness, and others of its own, near the witness."""
    code, output = run.source.code, run.output or ""
    own = try_inputs(code, tried.signature, witness.call, output, salt=_OTHER_TRIES, execute=execute)
    further = (witness, *(own.trials if own is not None else ()))
    return Ground(code, output, tried, (*tried.trials, *further), execute)


def check_constraints(found: Ground, said: Sequence[Said], lines: Mapping[int, ast.AST]) -> list[Statement]:
    """A verdict on each constraint; `lines`: what stands on each line where a result or a test may come from."""
    laws = [_put(one.law, found.output) or "True" for one in said]
    conditions = [f"type({one.subject}) is bool" for one in said]
    asked = [*(one.subject for one in said), *(one.law or "True" for one in said), *laws, *conditions]
    rows = judge(found.code, found.tried.signature, asked, found.trials, execute=found.execute)
    count = len(said)
    broken = _broken(found, said)
    return [
        _verdict(
            found,
            one,
            _Rows(rows[at], rows[count + at], rows[2 * count + at], rows[3 * count + at], broken.get(at)),
            lines,
        )
        for at, one in enumerate(said)
    ]


def _broken(found: Ground, said: Sequence[Said]) -> dict[int, str]:
    """Where a constraint rests on trials only: a call that breaks it, looked for."""
    places = [at for at, one in enumerate(said) if one.basis in ("", "tested")]
    predicates = [said[at].subject for at in places]
    trials = find_breaking(found.code, found.tried, found.output, predicates, salt=_OTHER_TRIES, execute=found.execute)
    return {at: trial.call for at, trial in zip(places, trials, strict=True) if trial is not None}


@dataclass(frozen=True, slots=True)
class _Rows:
    """Truths on every trial: of a constraint, its law, its law put to this output, and its being a condition at all."""

    own: list[bool | None]
    law: list[bool | None]
    put: list[bool | None]
    is_condition: list[bool | None]
    breaks: str | None
    """A call that gives the output and breaks it."""


def _verdict(found: Ground, said: Said, rows: _Rows, lines: Mapping[int, ast.AST]) -> Statement:
    fault = next(_faults(found, said, rows, lines), "")
    if fault:
        return Statement(said.text, "constraint", False, fault)
    right = sum(trial.output == found.output for trial in found.trials)
    is_empty = all(truth is True for truth in rows.own)
    evidence = f"true of {right} inputs tried that give the output, of {len(found.trials)} tried"
    return Statement(said.text, "constraint", True, evidence, is_empty)


def _faults(found: Ground, said: Said, rows: _Rows, lines: Mapping[int, ast.AST]) -> Iterator[str]:
    """What is wrong with a constraint, worst first."""
    for trial, truth in zip(found.trials, rows.own, strict=True):
        if trial.output == found.output and truth is not True:
            yield f"false of {trial.call}, which gives the output too"
    if rows.breaks:
        yield f"false of {rows.breaks}, which gives the output too"
    tried = found.tried.trials
    ended = [at for at, trial in enumerate(tried) if trial.output is not None]
    right = [at for at in ended if tried[at].output == found.output]
    if False in rows.is_condition:
        yield "it is no condition: for some input its value is neither True nor False"
    if said.basis == "implied" and said.line not in lines:
        yield f"nothing that decides stands on line {said.line}"
    elif said.basis == "implied" and not _comes_from(said.subject, lines[said.line], found.tried.signature.parameters):
        yield f"it is not what line {said.line} asks"
    if said.basis == "tested" and said.inputs != len(right):
        yield f"{len(right)} inputs with this result were tried, not {said.inputs}"
    if said.basis == "law":
        if said.inputs != len(ended):
            yield f"{len(ended)} inputs were tried, not {said.inputs}"
        if not all(rows.law[at] is True for at in ended):
            yield f"`{said.law}` does not hold for all inputs tried"
        if rows.put != rows.own:
            yield f"`{said.law}` does not give this for the result"


def _comes_from(predicate: str, node: ast.AST, parameters: Sequence[str]) -> bool:
    """Whether a constraint is, or holds, the test that it is said to come from; of other lines nothing is known.

    Only tests over parameters that keep their values are compared: what others are by then, a constraint has put in.
    """
    test = node.test if isinstance(node, (ast.If, ast.Assert)) else None
    names = {part.id for part in ast.walk(test) if isinstance(part, ast.Name)} if test is not None else set[str]()
    read = {name for name in names if not hasattr(builtins, name)}
    if test is None or not read & set(parameters) or not read <= set(parameters):
        return True
    tree = parse_expression(predicate)
    parts = {ast.dump(part) for part in ast.walk(tree) if isinstance(part, ast.expr)}
    if ast.dump(test) in parts or isinstance(test, ast.UnaryOp):
        return True
    if not (isinstance(tree, ast.Compare) and isinstance(test, ast.Compare)):
        return False
    return ast.dump(tree.left) == ast.dump(test.left)


def _put(law: str, output: str) -> str:
    """A law with the output in the place of `result`."""
    if not law:
        return ""
    try:
        tree = parse_expression(law)
        value = parse_expression(output)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "None"
    return ast.unparse(_Put(value).visit(tree))


class _Put(ast.NodeTransformer):
    def __init__(self, value: ast.expr) -> None:
        self._value = value

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._value if node.id == "result" else node
