"""A typed generator of well-formed programs, graded from one-liners to recursion with nested loops.

Every statement that is written changes something that is returned later: a name that is assigned is read before the
function ends, a branch changes a name that outlives it. So there is no dead code by construction, and every
accepted program of difficulty 2 and above has a branch or loop that depends on its input. `noise.py` checks both.
"""

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from ray_app.errors import InputError
from ray_app.programs import grammar
from ray_app.programs.chances import Chances
from ray_app.programs.closure import spaced
from ray_app.programs.expressions import Dial, Spent
from ray_app.programs.noise import noise
from ray_app.programs.statements import Builder
from ray_app.records import Program, Reject, content_id

STAGE = "grow"

DIALS: dict[int, Dial] = {
    1: Dial(statements=2, blocks=0, depth=0, trips=0, size=5, expression=1),
    2: Dial(statements=2, blocks=1, depth=1, trips=5, size=6, expression=1),
    3: Dial(statements=3, blocks=2, depth=2, trips=6, size=6, expression=2),
    4: Dial(statements=4, blocks=3, depth=2, trips=7, size=7, expression=2, helpers=1),
    5: Dial(statements=5, blocks=3, depth=3, trips=8, size=8, expression=2, helpers=1, recursion=True),
    6: Dial(statements=7, blocks=4, depth=3, trips=9, size=9, expression=3, helpers=2, recursion=True),
}
"""Difficulty -> how much of everything. Size bounds containers, trips the turns of counted loops."""


@dataclass(frozen=True, slots=True)
class GrowConfig:
    """`calls` inputs per program. `weights` multiply how often a built-in is used ("str.find": 3.0), 0 excludes it."""

    calls: int = 6
    weights: dict[str, float] = field(default_factory=dict[str, float])
    dials: dict[int, Dial] = field(default_factory=lambda: dict(DIALS))


def grow(seed: int, count: int, difficulty: int, config: GrowConfig | None = None) -> Iterator[Program | Reject]:
    """`count` different programs, with a Reject for each draft that was noise. The same arguments give the same rows.

    Built-ins that were used little so far are preferred, so even a short run covers the surface.
    """
    config = config or GrowConfig()
    if difficulty not in config.dials:
        raise InputError(
            f"difficulty {difficulty} is unknown; choose one of {', '.join(map(str, sorted(config.dials)))}"
        )
    chances = Chances(config.weights)
    seen: set[str] = set()
    serial = 0
    while len(seen) < count:
        draft = _draft(f"{seed}/{difficulty}/{serial}", difficulty, chances, config)
        serial += 1
        if isinstance(draft, Program):
            if draft.id in seen:
                draft = Reject(STAGE, draft.id, "duplicate")
            seen.add(draft.id)
        yield draft
        if serial > 20 * count + 100:
            raise InputError(
                f"only {len(seen)} of {count} different programs found; ask for fewer or relax the weights"
            )


def _draft(origin: str, difficulty: int, chances: Chances, config: GrowConfig) -> Program | Reject:
    rng = random.Random(origin)
    builder = Builder(rng, config.dials[difficulty], chances)
    try:
        module = builder.module()
    except Spent as spent:
        return Reject(STAGE, content_id(origin), "nothing fits", str(spent))
    tree = ast.parse(module.code)
    code = spaced([ast.unparse(function) for function in tree.body])
    program_id = content_id("program", code, module.entry)
    if (reason := noise(tree, module.entry, needs_branch=difficulty >= 2)) is not None:
        return Reject(STAGE, program_id, reason, origin)
    chances.count(module.features)
    calls = dict.fromkeys(
        _call(module.entry, module.parameters, config.dials[difficulty].size, rng) for _ in range(4 * config.calls)
    )
    return Program(
        id=program_id,
        source="grow",
        code=code,
        entry=module.entry,
        calls=tuple(calls)[: config.calls],
        description="",
        origin=f"seed {origin}",
        license="CC0-1.0",
        difficulty=difficulty,
    )


def _call(entry: str, parameters: tuple[grammar.Type, ...], size: int, rng: random.Random) -> str:
    return f"{entry}({', '.join(grammar.value_text(kind, size, rng) for kind in parameters)})"
