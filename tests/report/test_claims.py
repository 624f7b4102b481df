"""Claim accuracy before and after: which rows a decision is counted in, and with which interval."""

import pytest

from ray_app.evaluation import metrics
from ray_app.report.claims import compare, errors, rates
from tests.report.run import claims, programs, write_run


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(write_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def compared(root):
    return compare(root)


def row(compared, group, name):
    (found,) = (one for one in compared["rows"] if (one["group"], one["name"]) == (group, name))
    return found


def test_next_line_stands_apart_from_the_values(compared):
    assert row(compared, "all", "next line")["n"] == row(compared, "next line", "elsewhere")["n"] == 30
    assert row(compared, "all", "values")["n"] == 4 * 30
    assert compared["decisions"] == 6 * 30
    assert (compared["texts"], compared["programs"]) == (30, 30)


def test_values_are_divided_by_type_and_by_leap(compared):
    for group in ("values, by their type", "values, by leap"):
        assert sum(one["n"] for one in compared["rows"] if one["group"] == group) == 4 * 30
    assert row(compared, "values, by leap", "copied")["n"] == 30
    assert row(compared, "values, by leap", "3 and more")["n"] == 30
    assert row(compared, "values, by their type", "arithmetic")["n"] == 60


def test_intervals_are_those_of_programs_not_of_decisions(compared):
    told = [one for one in claims(programs(40)[:30], "tiny-base", 0.3) if one.kind in ("value", "return")]
    expected = metrics.estimate(rates(told))
    found = row(compared, "all", "values")
    assert found["base"]["mean"] == pytest.approx(expected.mean)
    assert found["base"]["error"] == pytest.approx(expected.error)
    assert metrics.cluster_of(next(iter(rates(told)))) == told[0].program_id


def test_a_model_that_got_better_is_better_by_the_paired_test(compared):
    found = row(compared, "all", "values")["paired"]
    assert found["verdict"] == "better"
    assert found["low"] > 0


def test_errors_are_the_most_frequent_wrong_choices(compared):
    told = claims(programs(40)[:30], "tiny-base", 0.3)
    wrong = sum(one.kind == "next line" and not one.right for one in told)
    assert errors(told)[0]["count"] == wrong
    assert len(errors(told)[0]["chosen"]) <= 60
    assert errors([]) == []


def test_a_run_without_read_texts_has_no_claim_accuracy(tmp_path):
    assert compare(str(tmp_path)) is None
