"""The generator: reproducible, graded, without noise, over the whole surface of the built-in types."""

import ast
from collections import Counter

import pytest

from ray_app.errors import InputError
from ray_app.programs.grow import DIALS, GrowConfig, grow
from ray_app.programs.inputs import parse_call
from ray_app.programs.noise import noise
from ray_app.programs.stats import SURFACE, depth
from ray_app.records import Program, Reject


def programs(seed: int, count: int, difficulty: int, config: GrowConfig | None = None) -> list[Program]:
    return [row for row in grow(seed, count, difficulty, config) if isinstance(row, Program)]


def test_same_seed_gives_equal_rows_and_another_seed_others() -> None:
    assert list(grow(7, 20, 4)) == list(grow(7, 20, 4))
    assert not {p.id for p in programs(7, 20, 4)} & {p.id for p in programs(8, 20, 4)}


@pytest.mark.parametrize("difficulty", sorted(DIALS))
def test_every_program_parses_is_distinct_and_has_literal_calls(difficulty: int) -> None:
    grown = programs(3, 40, difficulty)
    assert len({program.id for program in grown}) == 40
    for program in grown:
        assert ast.unparse(ast.parse(program.code)).split() == program.code.split()
        assert len(program.calls) >= 3
        assert all(parse_call(call, program.entry) is not None for call in program.calls)
        assert program.difficulty == difficulty
        assert noise(ast.parse(program.code), program.entry, needs_branch=difficulty >= 2) is None


def test_dial_makes_programs_longer_and_deeper() -> None:
    sizes, depths = [], []
    for difficulty in sorted(DIALS):
        trees = [ast.parse(program.code) for program in programs(5, 40, difficulty)]
        sizes.append(sum(sum(1 for _ in ast.walk(tree)) for tree in trees) / len(trees))
        depths.append(sum(depth(tree) for tree in trees) / len(trees))
    assert sizes == sorted(sizes)
    assert depths[0] < depths[2] < depths[5]


def test_hard_programs_use_helpers_recursion_loops_and_handlers() -> None:
    nodes: Counter[str] = Counter()
    recursive = 0
    for program in programs(1, 80, 6):
        tree = ast.parse(program.code)
        nodes.update(type(node).__name__ for node in ast.walk(tree))
        for function in tree.body:
            assert isinstance(function, ast.FunctionDef)
            names = {n.func.id for n in ast.walk(function) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
            recursive += function.name in names
    assert recursive >= 10
    assert nodes["FunctionDef"] > 120
    for kind in ("For", "While", "If", "Try", "ListComp", "Continue", "Break", "AugAssign"):
        assert nodes[kind] > 0, kind


def test_built_in_methods_are_covered_evenly_and_strings_most() -> None:
    used: Counter[str] = Counter()
    for difficulty in sorted(DIALS):
        for program in programs(11, 120, difficulty):
            tree = ast.parse(program.code)
            used.update(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    # encode's mates that need bytes, set.pop (its order is arbitrary) and from_bytes' bytes are left out on purpose
    missing = [f"{kind}.{name}" for kind, names in SURFACE.items() for name in names if name not in used]
    assert set(missing) <= {"int.denominator", "int.numerator", "int.real", "int.imag", "float.real", "float.imag"}
    strings = sum(used[name] for name in SURFACE["str"])
    assert strings > sum(used[name] for kind in ("list", "dict", "set") for name in SURFACE[kind])


def test_weight_zero_excludes_a_built_in_and_a_large_one_prefers_it() -> None:
    without = programs(2, 60, 3, GrowConfig(weights={"str.upper": 0.0}))
    often = programs(2, 60, 3, GrowConfig(weights={"str.casefold": 50.0}))
    assert not any(".upper(" in program.code for program in without)
    counts = [sum(".casefold(" in program.code for program in rows) for rows in (often, without)]
    assert counts[0] >= 5 > 2 * counts[1]


def test_unknown_difficulty_is_an_input_error_that_lists_the_known() -> None:
    with pytest.raises(InputError, match="difficulty 9 is unknown; choose one of 1, 2, 3, 4, 5, 6"):
        list(grow(0, 1, 9))


def test_refused_drafts_are_rejects_with_fixed_reasons() -> None:
    reasons = Counter(row.reason for row in grow(4, 100, 6) if isinstance(row, Reject))
    known = {"nothing fits", "unused value", "unused input", "no branch on input", "constant value", "duplicate"}
    assert set(reasons) <= known


NOISE = {
    "unused input": "def f(x, y):\n    for i in x:\n        y = i\n    return x\n",
    "unused value": "def f(x):\n    for i in x:\n        z = i\n    return x\n",
    "no branch on input": "def f(x):\n    t = 0\n    for i in range(3):\n        t += i\n    return x + t\n",
}


@pytest.mark.parametrize(("reason", "code"), NOISE.items(), ids=NOISE.keys())
def test_noise_is_recognised(reason: str, code: str) -> None:
    if reason == "unused input":
        code = code.replace("y = i", "x = i")
    assert noise(ast.parse(code), "f", needs_branch=True) == reason


def test_sound_program_is_no_noise() -> None:
    loop = "    while y > 0:\n        out.append(y)\n        y -= 1\n"
    code = f"def f(x):\n    y = len(x)\n    out = []\n{loop}    return out\n"
    assert noise(ast.parse(code), "f", needs_branch=True) is None
