"""Near-duplicates: what two programs share, which pairs are found, what is kept, and the stages against one process."""

import dataclasses
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ray_app.programs.grow import grow
from ray_app.programs.normalise import functions, normalised
from ray_app.programs.select import workers
from ray_app.programs.select.index import Index
from ray_app.programs.select.keep import kept
from ray_app.programs.select.pairs import Part, Places, Runs, find, key, parts, places
from ray_app.programs.select.signature import Banding, Signer, jaccard, tokens
from ray_app.records import Pairs, Program, Reject, Signature, Twins, content_id
from ray_app.shard import make, units
from ray_app.stage import Stage, reference
from ray_app.store import Dataset
from tests.programs.one_process import deduplicate

CODE = """def total(items, limit):
    result = 0
    for item in items:
        if item > limit:
            result += item * 2
        else:
            result -= 1
    return result
"""
RENAMED = '''def count(xs: list, top: int) -> int:
    """Another text."""
    # a comment
    out: int = 0
    for x in xs:
        if (x > top):
            out += x * 2
        else:
            out -= 1
    return out
'''


def program(code: str, name: str = "f") -> Program:
    return Program(content_id(code, name), "mine", code, name, (), "", "test", "MIT")


def edited(code: str, rng: random.Random, edits: int) -> str:
    """The code with some of its numbers changed."""
    digits = [at for at, letter in enumerate(code) if letter.isdigit()]
    for at in rng.sample(digits, min(edits, len(digits))):
        code = code[:at] + str((int(code[at]) + rng.randrange(1, 9)) % 9 + 1) + code[at + 1 :]
    return code


@pytest.fixture(scope="module")
def crowd() -> list[Program]:
    """Grown programs, some of them again, and copies with a few edits: similarities on both sides of the threshold."""
    rng = random.Random(0)
    grown = [row for d in (2, 3, 4, 5) for row in grow(d, 60, d) if isinstance(row, Program)]
    made = [program(row.code, row.entry) for row in grown]
    made += [program(edited(row.code, rng, 1 + n % 4), f"edited{n}") for n, row in enumerate(grown)]
    made += [program(row.code, f"again{n}") for n, row in enumerate(grown[::7])]
    rng.shuffle(made)
    return made


def alike(signer: Signer, programs: list[Program], threshold: float) -> set[tuple[int, int]]:
    """All pairs, by comparing all programs with each other."""
    sets = [signer.runs(row.code) for row in programs]
    return {
        (one, other)
        for other in range(len(sets))
        for one in range(other)
        if jaccard(sets[one], sets[other]) >= threshold
    }


def test_tokens_ignore_names_layout_docstrings_and_annotations() -> None:
    assert tokens(CODE) == tokens(RENAMED)
    assert tokens(CODE) != tokens(CODE.replace("* 2", "* 3"))
    assert tokens(CODE) != tokens(CODE.replace("item > limit", "limit > item"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x):\n    return sorted(x)", "def f(x):\n    return reversed(x)"),
        ("def f(x):\n    return x.upper()", "def f(x):\n    return x.lower()"),
        ("import math\ndef f(x):\n    return math.pi", "import cmath\ndef f(x):\n    return cmath.pi"),
        ("def f(x):\n    return f'{x!r}'", "def f(x):\n    return f'{x!s}'"),
        ("def f(x):\n    return x is None", "def f(x):\n    return x is not None"),
        ("def f(x):\n    return 1", "def f(x):\n    return True"),
    ],
)
def test_tokens_keep_apart_what_behaves_otherwise(one: str, other: str) -> None:
    assert tokens(one) != tokens(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("global a\na = 1", "global b\nb = 1"),
        ("match x:\n case [y, *z]: print(y, z)", "match u:\n case [v, *w]: print(v, w)"),
        ("try:\n pass\nexcept ValueError as e:\n print(e)", "try:\n pass\nexcept ValueError as g:\n print(g)"),
        ("f = lambda a, *b, c=1, **d: a", "g = lambda q, *r, s=1, **t: q"),
    ],
)
def test_tokens_number_names_wherever_they_are_bound(one: str, other: str) -> None:
    assert tokens(one) == tokens(other)


@pytest.mark.parametrize(
    "code", ["def broken(:", "x = '\0'", "(" * 5_000, "x = " + "-" * 100_000 + "1", "é = '\udc80'", ""]
)
def test_code_that_no_parser_takes_is_still_compared(code: str) -> None:
    signer = Signer(Banding())
    assert signer.runs(code).tolist() == Signer(Banding()).runs(code).tolist()
    assert len(signer.bands(signer.runs(code))) == 11


def test_normalised_code_and_its_functions() -> None:
    assert normalised(CODE) == normalised(RENAMED)
    both = "def a(x):\n    return x\n\n" + RENAMED
    assert [text for *_, text in functions(both, 10)] == [text for *_, text in functions(CODE, 10)]
    assert len(functions(both, 1)) == 2


def test_renamed_copy_is_refused_with_the_id_of_the_original() -> None:
    first, copy = program(CODE), program(RENAMED, "g")
    whole, refused = deduplicate([first, copy])
    assert whole == first
    assert isinstance(refused, Reject)
    assert (refused.reason, refused.id) == ("near-duplicate", copy.id)
    assert first.id in refused.detail


def test_small_edit_of_a_long_program_is_a_near_duplicate_but_another_program_is_not() -> None:
    long = CODE + "".join(CODE.replace("total", f"part{i}").replace("* 2", f"* {i}") for i in range(5))
    index = Index()
    assert index.add("a", long) is None
    assert index.add("b", long.replace("result -= 1", "result -= 7", 1)) == "a"
    assert index.add("c", "def f(s):\n    return ''.join(sorted(s.split(','))) + s[::-1]\n") is None


def test_grown_programs_are_almost_never_duplicates_of_one_another() -> None:
    grown = [row for row in grow(1, 60, 4) if isinstance(row, Program)]
    assert len([row for row in deduplicate(grown) if isinstance(row, Program)]) >= 58


def test_pairs_are_those_of_all_programs_compared_with_each_other(crowd: list[Program]) -> None:
    signer = Signer(Banding())
    truth = alike(signer, crowd, 0.8)
    found = all_pairs(signer, crowd, of=1)
    assert found <= truth
    assert len(found) >= 0.95 * len(truth)
    assert len(truth) > 100


@pytest.mark.parametrize("of", [2, 5])
def test_pairs_do_not_depend_on_the_number_of_parts(crowd: list[Program], of: int) -> None:
    signer = Signer(Banding())
    assert all_pairs(signer, crowd, of) == all_pairs(signer, crowd, of=1)


def all_pairs(signer: Signer, programs: list[Program], of: int) -> set[tuple[int, int]]:
    """The pairs that the parts find, those of equal sets spelled out."""
    sets = [signer.runs(row.code) for row in programs]
    bands = np.stack([signer.bands(runs) for runs in sets])

    def runs_of(wanted: Places) -> Runs:
        return [sets[place] for place in wanted.tolist()]

    found = [find(np.array_split(bands, 7), Part(number, of), 0.8, runs_of) for number in range(of)]
    same = {pair for each in found for pair in zip(*map(list, places(each.same)), strict=True)}
    near = {pair for each in found for pair in zip(*map(list, places(each.near)), strict=True)}
    kinds: dict[int, list[int]] = {first: [first] for first in range(len(programs))}
    for first, other in sorted(same):
        kinds[int(first)].append(int(other))
    across = {(x, y) for a, b in near for x in kinds[int(a)] for y in kinds[int(b)]}
    within = {(x, y) for kind in kinds.values() for x in kind for y in kind if x < y}
    return {(min(pair), max(pair)) for pair in across | within}


def test_kept_no_two_are_a_pair_and_every_other_repeats_a_kept_one(crowd: list[Program]) -> None:
    truth = all_pairs(Signer(Banding()), crowd, of=1)
    index = Index()
    one_by_one = [index.add(str(place), row.code) for place, row in enumerate(crowd)]
    repeats = [place if of is None else int(of) for place, of in enumerate(one_by_one)]
    keeps = {place for place, of in enumerate(repeats) if place == of}
    assert not {(a, b) for a, b in truth if a in keeps and b in keeps}
    assert all((of, place) in truth and of in keeps for place, of in enumerate(repeats) if place != of)
    assert 0.3 * len(crowd) < len(keeps) < 0.9 * len(crowd)


def test_kept_a_chain_loses_every_other_link_and_equal_sets_share_their_fate() -> None:
    def keys(*pairs: tuple[int, int]) -> "np.ndarray":
        return key(np.array([a for a, _ in pairs], np.int64), np.array([b for _, b in pairs], np.int64))

    chain = kept(5, keys(), keys((0, 1), (1, 2), (2, 3), (3, 4)))
    assert chain.tolist() == [0, 0, 2, 2, 4]
    equal = kept(5, keys((1, 3), (2, 4)), keys((0, 1)))
    assert equal.tolist() == [0, 0, 2, 0, 2]


def test_parts_grow_with_the_programs_and_not_with_the_memory() -> None:
    assert parts(0, 1) == [Part(0, 1)]
    assert len(parts(1_000_000, 2**30)) == 1
    assert len(parts(100_000_000, 2**30)) > 50


def through_the_stages(programs: list[Program], root: Path, memory: int, size: int) -> list[Program | Reject]:
    """The four stages in this process, shard by shard, as the runner runs them."""

    def run(stage: Stage, inputs: list[Dataset], rows: list) -> Dataset:
        for unit in units(stage.rows_per_shard, inputs, rows):
            make([stage], str(root), unit)
        dataset = Dataset(str(root), stage.name)
        dataset.finish()
        return dataset

    source = Stage("source", _as_it_is, None, Program, Program, 50)
    given = run(source, [], programs)
    signed = run(Stage("signatures", workers.sign, Banding(), Program, Signature, 64), [given], [])
    comparing = workers.Comparing(reference(signed), 0.8)
    shares = parts(len(programs), memory)
    alike = run(Stage("pairs", workers.compare, comparing, Part, Pairs, 1), [], shares)
    naming = workers.Naming(reference(alike), reference(signed))
    twins = run(Stage("twins", workers.name_twins, naming, workers.Total, Twins, 1), [], [workers.Total(len(programs))])
    selecting = workers.Selecting(workers.SelectConfig(), reference(twins))
    stage = Stage("programs", workers.select, selecting, Program, Program, size, numbered=True)
    chosen = run(stage, [given], [])
    return [*chosen.read(Program), *chosen.rejects()]


def _as_it_is(rows: Iterator[Program], config: None) -> Iterator[Program]:
    yield from rows


@pytest.mark.parametrize("size", [64, 37])
@pytest.mark.parametrize("memory", [2**30, 20_000])
def test_stages_choose_what_one_process_chooses(
    crowd: list[Program], tmp_path: Path, memory: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "STRETCH", 100)  # several stretches of twins
    workers._twins.cache_clear()
    mine = through_the_stages(crowd, tmp_path, memory, size)
    alone = list(deduplicate(crowd))
    assert [row.id for row in mine if isinstance(row, Program)] == [row.id for row in alone if isinstance(row, Program)]
    refused = {row.id: row.detail for row in mine if isinstance(row, Reject)}
    assert refused == {row.id: row.detail for row in alone if isinstance(row, Reject)}


def test_a_program_that_comes_twice_is_kept_once(tmp_path: Path) -> None:
    """Also with the same id: what counts is the place."""
    once = program(CODE)
    made = through_the_stages([once, once, dataclasses.replace(once, origin="elsewhere")], tmp_path, 2**30, 2)
    assert [type(row) for row in made] == [Program, Reject, Reject]
    assert made[0] == once
