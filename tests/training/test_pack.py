"""The plan shows every sample as often as the mixture says, fills packs well, and is the same wherever it is made."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_app.errors import InputError
from ray_app.training.pack import IGNORE, Item, Plan, assemble, chosen, plan
from ray_app.training.tokenize import Document

SETTINGS: dict[str, Any] = {
    "mixture": [("forward", 1.0), ("output", 1.0)],
    "capacity": 512,
    "epochs": 1,
    "curriculum": 0.0,
    "seed": 1,
}


def items(count: int, seed: int = 0, longest: int = 512) -> list[Item]:
    rng = random.Random(seed)
    return [
        Item(f"i{k}", rng.choice(["forward", "output"]), n := rng.randint(2, longest), rng.randint(1, n - 1))
        for k in range(count)
    ]


def shown(made: Plan) -> Counter[int]:
    return Counter(i for members in made.bins for i in members)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(2, 64), min_size=1, max_size=60), st.integers(1, 3), st.floats(0, 1))
def test_plan_shows_each_item_once_per_epoch_within_capacity(
    lengths: list[int], epochs: int, curriculum: float
) -> None:
    rows = [Item(f"i{k}", "output", length, 1) for k, length in enumerate(lengths)]
    made = plan(rows, **(SETTINGS | {"capacity": 64, "epochs": epochs, "curriculum": curriculum}))
    assert shown(made) == Counter(dict.fromkeys(range(len(rows)), epochs))
    assert all(sum(rows[i].length for i in members) <= 64 for members in made.bins)


def test_plan_ignores_the_order_of_its_input() -> None:
    rows = items(200)
    backwards = rows[::-1]
    one, two = plan(rows, **SETTINGS), plan(backwards, **SETTINGS)
    assert one.fingerprint == two.fingerprint
    assert [[rows[i].id for i in b] for b in one.bins] == [[backwards[i].id for i in b] for b in two.bins]


def test_plan_other_seed_and_other_epoch_give_another_order() -> None:
    rows = items(200)
    one, other = plan(rows, **SETTINGS), plan(rows, **(SETTINGS | {"seed": 2}))
    both = plan(rows, **(SETTINGS | {"epochs": 2}))
    assert one.fingerprint != other.fingerprint
    assert both.bins[: len(one.bins)] == one.bins
    assert both.bins[len(one.bins) :] != one.bins


def test_plan_mixture_weights_repeat_thin_and_drop() -> None:
    rows = items(2_000)
    made = plan(rows, **(SETTINGS | {"mixture": [("forward", 2.25)]}))
    count = shown(made)
    forward = [k for k, row in enumerate(rows) if row.task == "forward"]
    assert set(count) == set(forward)
    assert set(count.values()) == {2, 3}
    assert 0.2 < sum(count[k] == 3 for k in forward) / len(forward) < 0.3


def test_plan_weighs_what_a_teacher_wrote_by_itself_where_the_mixture_names_it() -> None:
    rows = [Item(f"i{k}", "forward", 10, 5, is_taught=k < 3) for k in range(10)]

    def showings(mixture: list[tuple[str, float]]) -> Counter[bool]:
        made = plan(rows, mixture=mixture, capacity=64, epochs=1, curriculum=0.0, seed=0)
        return Counter(rows[i].is_taught for members in made.bins for i in members)

    assert showings([("forward", 1.0), ("forward/teacher", 3.0)]) == {True: 9, False: 7}
    assert showings([("forward", 1.0), ("forward/teacher", 0.0)]) == {False: 7}
    assert showings([("forward", 2.0)]) == {True: 6, False: 14}


def test_plan_fills_packs_above_ninety_five_percent_on_a_pyx_like_distribution() -> None:
    rng = random.Random(3)
    rows = [Item(f"i{k}", "output", min(2048, max(40, int(rng.gauss(700, 300)))), 20) for k in range(3_000)]
    assert plan(rows, **(SETTINGS | {"capacity": 2048})).fill > 0.95


def test_plan_strict_curriculum_starts_with_short_responses() -> None:
    rows = items(1_000, longest=100)

    def mean_response(bins: tuple[tuple[int, ...], ...]) -> float:
        chosen = [rows[i].response_length for members in bins for i in members]
        return sum(chosen) / len(chosen)

    made = plan(rows, **(SETTINGS | {"curriculum": 1.0}))
    third = len(made.bins) // 3
    assert mean_response(made.bins[:third]) < mean_response(made.bins[third:-third]) < mean_response(made.bins[-third:])
    shuffled = plan(rows, **SETTINGS)
    assert mean_response(shuffled.bins[:third]) > 1.5 * mean_response(made.bins[:third])


def test_plan_empty_mixture_names_weights_and_present_tasks() -> None:
    with pytest.raises(InputError, match=r"repair.*forward, output"):
        plan(items(10), **(SETTINGS | {"mixture": [("repair", 1.0)]}))


def test_plan_duplicate_sample_is_refused() -> None:
    with pytest.raises(InputError, match="i0 occurs twice"):
        plan([*items(3), items(1)[0]], **SETTINGS)


def test_assemble_targets_are_shifted_within_documents_only() -> None:
    first, second = Document("a", "nl", 0, 2, 0, (1, 2, 3, 4)), Document("b", "nl", 0, 1, 0, (5, 6))
    pack = assemble(0, [first, second])
    assert pack.input_ids == (1, 2, 3, 4, 5, 6)
    assert pack.targets == (IGNORE, 3, 4, IGNORE, 6, IGNORE)
    assert pack.lengths == (4, 2)


def test_chosen_keeps_order_and_does_not_depend_on_the_rest():
    items = [Item(str(number), "forward", 10, 5) for number in range(50)]
    few = chosen(items, 10)
    assert len(few) == 10
    assert few == [item for item in items if item in few]
    assert [item for item in chosen(items[:40], 10) if item in few] == [item for item in few if item in items[:40]]
    assert chosen(items, 0) == items
