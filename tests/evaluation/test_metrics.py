import itertools
import math
import random

import pytest

from ray_app.errors import InputError
from ray_app.evaluation import metrics
from ray_app.records import Score


def score(item: str, right: bool | None, sample: int = 0, status: str = "") -> Score:
    found = status or ("infrastructure" if right is None else "pass" if right else "wrong")
    return Score("demo", item, sample, "m", "", "", "", right, right, found)


@pytest.mark.parametrize(("n", "c"), [(5, 0), (5, 1), (5, 3), (5, 5)])
def test_pass_at_k_equals_the_share_of_subsets_with_a_pass(n: int, c: int) -> None:
    for k in range(1, n + 1):
        subsets = list(itertools.combinations(range(n), k))
        share = sum(any(index < c for index in subset) for subset in subsets) / len(subsets)
        assert math.isclose(metrics.pass_at_k(n, c, k), share)


@pytest.mark.parametrize(("n", "c", "k"), [(3, 1, 4), (3, 4, 1), (3, 1, 0), (3, -1, 1)])
def test_pass_at_k_impossible_numbers_are_refused(n: int, c: int, k: int) -> None:
    with pytest.raises(InputError, match=r"pass@"):
        metrics.pass_at_k(n, c, k)


def test_summarise_one_right_and_nine_malformed_scores_one_officially_and_a_tenth_strictly() -> None:
    rows = [score("a", True), *(score("a", False, i, "malformed") for i in range(1, 10))]
    found = metrics.summarise(rows, (1, 5))
    assert found.official[1].mean == 1.0
    assert found.strict[1].mean == pytest.approx(0.1)
    assert found.official[5].mean == 1.0
    assert found.strict[5].mean == pytest.approx(0.5)


def test_summarise_ungraded_rows_are_counted_but_are_not_wrong() -> None:
    found = metrics.summarise([score("a", True), score("b", None)])
    assert found.official[1].mean == 1.0
    assert found.ungraded == 1


def test_summarise_mixed_benchmarks_are_refused() -> None:
    other = Score("other", "a", 0, "m", "", "", "", True, True, "pass")
    with pytest.raises(InputError, match="one benchmark at a time"):
        metrics.summarise([score("a", True), other])


def test_estimate_correlated_samples_do_not_narrow_the_interval() -> None:
    """Ten copies of each answer carry no more information than one."""
    once = [score(f"p{i}", i % 3 == 0) for i in range(60)]
    tenfold = [score(row.item_id, row.strict, sample) for row in once for sample in range(10)]
    single, many = metrics.summarise(once, (1,)).strict[1], metrics.summarise(tenfold, (1,)).strict[1]
    assert many.high - many.low == pytest.approx(single.high - single.low)


def test_estimate_all_pass_still_has_a_width() -> None:
    found = metrics.estimate({f"p{i}": 1.0 for i in range(10)})
    assert found.mean == 1.0
    assert found.high == pytest.approx(1.0)
    assert 0.6 < found.low < 0.8


def test_estimate_interval_covers_the_truth_about_95_percent_of_the_time() -> None:
    rng = random.Random(7)
    covered = 0
    for _ in range(400):
        problems = [rng.betavariate(1, 2) for _ in range(80)]
        values = [sum(rng.random() < p for _ in range(5)) / 5 for p in problems]
        found = metrics.estimate({f"p{i}": value for i, value in enumerate(values)})
        covered += found.low <= 1 / 3 <= found.high
    assert 0.91 <= covered / 400 <= 0.99


def test_questions_about_one_program_do_not_narrow_the_interval() -> None:
    once = {f"p{i}": float(i % 3 == 0) for i in range(60)}
    fourfold = {f"{key}-{call}-output": value for key, value in once.items() for call in range(4)}
    single, many = metrics.estimate(once), metrics.estimate(fourfold)
    assert (many.mean, many.error) == (pytest.approx(single.mean), pytest.approx(single.error))
    assert many.high - many.low == pytest.approx(single.high - single.low)
    right = metrics.estimate({f"p1-{call}-output": 1.0 for call in range(50)})
    assert right.low < 0.3


def test_compare_counts_a_program_once_however_often_it_is_asked_about() -> None:
    a = [score(f"p{program}-{call}-input", True) for program in range(3) for call in range(20)]
    b = [score(row.item_id, False) for row in a]
    assert metrics.compare(a, b).p_value == pytest.approx(2 / 2**3)


def test_compare_names_wins_losses_and_ties() -> None:
    a = [score("x", True), score("y", False), score("z", True), score("only-a", True)]
    b = [score("x", False), score("y", True), score("z", True)]
    found = metrics.compare(a, b)
    assert (found.wins, found.losses, found.ties, found.problems) == (("x",), ("y",), 1, 3)
    assert found.difference == 0
    assert found.p_value == 1.0


def test_compare_of_a_clear_winner_has_a_small_p_value() -> None:
    a = [score(f"p{i}", True) for i in range(30)]
    b = [score(f"p{i}", i > 12) for i in range(30)]
    found = metrics.compare(a, b)
    assert found.p_value == pytest.approx(2 / 2**13)
    assert found.low > 0


def test_compare_without_a_common_problem_is_refused() -> None:
    with pytest.raises(InputError, match="no graded problem in common"):
        metrics.compare([score("a", True)], [score("b", True)])


def test_sign_flip_many_differences_agree_with_the_binomial_test() -> None:
    gaps = [1.0] * 12 + [-1.0] * 5
    exact = 2 * sum(math.comb(17, wins) for wins in range(12, 18)) / 2**17
    assert metrics.sign_flip_p(gaps) == pytest.approx(exact, abs=0.02)
