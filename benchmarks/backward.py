"""Backward monologues: how many rows, how true, how fast.

    python -m benchmarks.backward --data ../shared/data [--programs 100] [--show N]

CRUXEval and grown programs are told backward and verified; each accepted text is corrupted in one place, once per kind
of error that it has room for (`tests/verification/planted_backward.py`), and verified again. Then inputs are mutated by
a generator of this file's own, and each constraint is held against those that give the output: how many break it, by
what the constraint stands on. Prints JSON.
"""

import argparse
import ast
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray_app.monologue.backward.narrate import narrate
from ray_app.programs.grow import grow
from ray_app.programs.signature import Signature, signature
from ray_app.records import Program
from ray_app.sandbox.api import execute
from ray_app.sandbox.limits import Limits
from ray_app.semantics import api
from ray_app.semantics.neighbours import plain_call
from ray_app.semantics.record import Run
from ray_app.verification.backward import verify_backward
from tests.verification.planted_backward import BACKWARD

_QUICK = Limits(cpu_s=0.01, wall_s=60.0)
_STATED = re.compile(r"^\d+\. `([^`]+)` \((implied|tested on \d+ inputs with|tested on \d+ inputs:)", re.MULTILINE)
_BASIS = {"implied": "implied", "with": "tested", "inputs:": "law"}
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 _-.,!?\n"


@dataclass(slots=True)
class Tally:
    """What is counted over all calls."""

    show: int
    rows: Counter[str] = field(default_factory=Counter[str])
    planted: Counter[str] = field(default_factory=Counter[str])
    caught: Counter[str] = field(default_factory=Counter[str])
    stated: Counter[str] = field(default_factory=Counter[str])
    broken: Counter[str] = field(default_factory=Counter[str])
    seconds: Counter[str] = field(default_factory=Counter[str])


def record(code: str, call: str) -> Run | None:
    """The record of a call, None where it has none."""
    return api.record(code, call).run


def cruxeval(data: Path, programs: int) -> Iterator[tuple[str, str]]:
    """(code, call), spread over the benchmark."""
    lines = (data / "cruxeval" / "cruxeval.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines[:: max(1, len(lines) // programs)]):
        yield row["code"], f"f({row['input']})"


def grown(programs: int) -> Iterator[tuple[str, str]]:
    """(code, call) of programs of each difficulty."""
    for difficulty in range(1, 7):
        for row in grow(4242, max(1, programs // 6), difficulty):
            if isinstance(row, Program):
                yield row.code, row.calls[0]


def measure(tally: Tally, source: str, code: str, call: str, seed: int) -> None:
    """One call: narrated, verified, corrupted, held against inputs of our own."""
    run = record(code, call)
    if run is None or run.output is None:
        tally.rows[f"{source}: not recorded"] += 1
        return
    start = time.process_time()
    found = narrate(run, seed=seed, record=record)
    middle = time.process_time()
    tally.seconds["narrate"] += middle - start
    tally.rows[f"{source}: {found.reason or 'narrated'}"] += 1
    if not found.text:
        return
    verdict = verify_backward(run, found.text, record=record)
    tally.seconds["verify"] += time.process_time() - middle
    tally.rows[f"{source}: {'accepted' if verdict.accepted else 'refused'}"] += 1
    if not verdict.accepted:
        print(f"== refused: {verdict.reason}: {verdict.detail}\n{code}\n{found.text}")
        return
    plant(tally, run, found.text, seed)
    attack(tally, run, found.text)


def plant(tally: Tally, run: Run, text: str, seed: int) -> None:
    """One corrupted text per kind of error."""
    for kind, corrupt in BACKWARD.items():
        wrong = corrupt(text, run, random.Random(f"{seed}:{kind}"))
        if wrong is None or wrong == text:
            continue
        tally.planted[kind] += 1
        tally.caught[kind] += not verify_backward(run, wrong, record=record).accepted
        if tally.planted[kind] - tally.caught[kind] in range(1, tally.show):
            pairs = zip(text.split("\n"), wrong.split("\n"), strict=False)
            print(f"== {kind}\n" + "\n".join(f"- {a}\n+ {b}" for a, b in pairs if a != b))


def attack(tally: Tally, run: Run, text: str) -> None:
    """Holds the constraints of a text against inputs of our own that give the output."""
    shape = signature(run.source.code, run.frames[0].function)
    bound = shape.bind(plain_call(run, shape)) if shape is not None else None
    if shape is None or bound is None:
        return
    right = list(inputs_giving(run, shape, bound))
    for predicate, words in _STATED.findall(text):
        basis = _BASIS[words.split()[-1]]
        tally.stated[basis] += 1
        names = ", ".join(shape.parameters)
        calls = [f"(lambda {names}: ({predicate}))({', '.join(one.values())})" for one in right]
        done = execute(run.source.code, calls, trace=False) if calls else []
        breaks = [one.call for one in done if one.output != "True"]
        tally.broken[basis] += bool(breaks)
        if breaks:
            print(f"== broken, {basis}: {predicate}: {breaks[0]}")


def inputs_giving(run: Run, shape: Signature, bound: dict[str, str]) -> Iterator[dict[str, str]]:
    """Inputs of our own with the run's output, in three rounds of 150, each from those found before."""
    rng = random.Random(f"{run.call}:attack")
    found = [bound]
    for _ in range(3):
        tried = {shape.spell(one, run.call): one for one in (varied(rng.choice(found), rng) for _ in range(150))}
        done = execute(run.source.code, list(tried), _QUICK, trace=False)
        found += [tried[one.call] for one in done if one.status == "ok" and one.output == run.output]
        if sum(one.status.startswith("timeout") for one in done) > 5:
            break
    yield from found[1:300]


def varied(arguments: dict[str, str], rng: random.Random) -> dict[str, str]:
    """The arguments with one to three changed."""
    chosen = rng.sample(list(arguments), min(len(arguments), rng.choice((1, 1, 1, 2, 3))))
    return {name: _other(text, rng) if name in chosen else text for name, text in arguments.items()}


def _other(text: str, rng: random.Random) -> str:
    try:
        return repr(other_value(ast.literal_eval(text), rng))
    except (SyntaxError, ValueError, TypeError):
        return text


def other_value(value: Any, rng: random.Random) -> Any:
    """A value of the same type: larger changes than those that the narrator tries."""
    if isinstance(value, bool):
        return rng.random() < 0.5
    if isinstance(value, int):
        return rng.choice((value + rng.randint(-3, 3), rng.randint(-20, 120), -value, value * 2, 0))
    if isinstance(value, float):
        return round(value + rng.uniform(-5, 5), 2)
    if isinstance(value, dict):
        items = [pair for pair in value.items() if rng.random() < 0.9]
        return {(other_value(k, rng) if rng.random() < 0.2 else k): _maybe(v, rng) for k, v in items}
    if isinstance(value, str):
        return "".join(_changed(list(value), rng, lambda _: rng.choice(_LETTERS)))
    if isinstance(value, (list, tuple, set)):
        return type(value)(_changed(list(value), rng, lambda item: other_value(item, rng)))
    return value


def _maybe(value: Any, rng: random.Random) -> Any:
    return other_value(value, rng) if rng.random() < 0.3 else value


def _changed(items: list[Any], rng: random.Random, other: Any) -> list[Any]:
    """A sequence shuffled, cut, lengthened, or with items exchanged."""
    kind, at = rng.randrange(6), rng.randrange(len(items) + 1)
    if kind == 0:
        rng.shuffle(items)
        return items
    if kind == 1:
        return items[:at] + items[at + 1 :]
    if kind == 2:
        return [*items[:at], *(other(item) for item in items[at : at + 1] or items[:1]), *items[at:]]
    if kind == 3:
        return items[at:] + items[:at]
    share = rng.choice((0.2, 0.5, 1.0))
    return [other(item) if rng.random() < share else item for item in items]


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--programs", type=int, default=100, help="of each source")
    parser.add_argument("--show", type=int, default=0, help="print so many escaped errors per kind")
    options = parser.parse_args()
    tally = Tally(options.show)
    sources = {"grown": grown(options.programs)}
    if options.data.is_dir():
        sources["cruxeval"] = cruxeval(options.data, options.programs)
    for source, calls in sources.items():
        for seed, (code, call) in enumerate(calls):
            measure(tally, source, code, call, seed)
    rows = sum(count for kind, count in tally.rows.items() if kind.endswith("narrated"))
    report = {
        "rows": dict(tally.rows),
        "caught, planted": {kind: [tally.caught[kind], tally.planted[kind]] for kind in tally.planted},
        "broken, stated": {basis: [tally.broken[basis], tally.stated[basis]] for basis in tally.stated},
        "ms per row": {kind: round(1000 * seconds / max(1, rows), 1) for kind, seconds in tally.seconds.items()},
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
