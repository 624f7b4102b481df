import pytest

from ray_app.evaluation import metrics
from ray_app.records import Program, Score
from ray_app.report.scores import compare, paired
from tests.report.run import programs, scores, write, write_run


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return compare(str(write_run(tmp_path_factory.mktemp("run"))))


def test_compare_groups_by_question_and_keeps_models(compared):
    assert [group["benchmark"] for group in compared["groups"]] == ["held_out (input)", "held_out (output)"]
    assert (compared["base_model"], compared["tuned_model"]) == ("tiny-base", "tiny-tuned")
    assert [group["questions"] for group in compared["groups"]] == [30, 31]


def test_compare_equals_the_metrics_of_the_same_rows(compared):
    told = programs(40)[:30]
    rows = [row for row in scores(told, "tiny-base", 0.2) if row.item_id.endswith("output")]
    expected = metrics.summarise(rows).strict[1]
    group = compared["groups"][1]
    assert group["base"]["mean"] == pytest.approx(expected.mean)
    assert (group["base"]["low"], group["base"]["high"]) == pytest.approx((expected.low, expected.high))
    assert group["paired"]["n"] == 30
    assert group["paired"]["wins"] + group["paired"]["losses"] + group["paired"]["ties"] == 30


def test_compare_ungraded_answers_are_counted_not_wrong(compared):
    output = compared["groups"][1]
    assert (output["ungraded_base"], output["base"]["n"]) == (1, 30)


def test_compare_levels_cover_the_graded_questions(compared):
    for group in compared["groups"]:
        assert sum(level["questions"] for level in group["levels"]) == group["questions"]
        assert len(group["levels"]) > 1


def test_compare_only_before_has_no_difference(tmp_path):
    rows = [Score("humaneval", "HumanEval/1", 0, "m", "direct", "", "", True, True, "pass")]
    write(tmp_path, Score, "scores-base", rows)
    (group,) = compare(str(tmp_path))["groups"]
    assert group["tuned"] is None
    assert group["paired"] is None
    assert group["base"]["mean"] == 1.0
    assert group["levels"] == []


def test_compare_nothing_graded_is_not_a_score(tmp_path):
    write(tmp_path, Program, "programs", programs(2))
    rows = [Score("mbpp", "1", 0, "m", "direct", "", "", None, None, "infrastructure")]
    write(tmp_path, Score, "scores-base", rows)
    write(tmp_path, Score, "scores-tuned", rows)
    (group,) = compare(str(tmp_path))["groups"]
    assert (group["base"], group["paired"], group["ungraded_base"]) == (None, None, 1)


@pytest.mark.parametrize(
    ("before", "after", "expected"), [(0, 20, "better"), (20, 0, "worse"), (9, 10, "unclear"), (5, 5, "unclear")]
)
def test_paired_verdict_needs_interval_and_test(before, after, expected):
    def rows(model, right):
        return [Score("b", str(n), 0, model, "direct", "", "", n < right, n < right, "") for n in range(20)]

    assert paired(rows("base", before), rows("tuned", after))["verdict"] == expected


def test_paired_few_questions_have_neither_interval_nor_test():
    base, tuned = (
        [Score("b", str(n), 0, "m", "direct", "", "", right, right, "") for n in range(4)] for right in (False, True)
    )
    found = paired(base, tuned)
    assert (found["verdict"], found["low"], found["high"], found["p"]) == ("too few", None, None, None)
    assert (found["n"], found["wins"]) == (4, 4)


def test_compare_levels_hold_questions_about_programs_that_another_stage_renamed(tmp_path):
    """Pruning a program changes its id: the level comes with the answer, not from the table of programs."""
    write(tmp_path, Program, "programs", programs(2))
    rows = [
        Score("held_out", f"{n:016x}-0-output", 0, "m", "direct", "", "", False, False, "wrong", difficulty=n % 3)
        for n in range(54)
    ]
    write(tmp_path, Score, "scores-base", rows)
    (group,) = compare(str(tmp_path))["groups"]
    assert [level["questions"] for level in group["levels"]] == [18, 18, 18]


def test_compare_counts_how_answers_ended(compared):
    group = compared["groups"][1]
    base = group["outcomes_base"]
    assert base["right"] + base["wrong"] == 30
    assert (base["ungraded"], base["malformed"], base["empty"]) == (1, 0, 0)
    assert base["cut"] == base["wrong"]
    ended = [
        Score("b", "1", 0, "m", "", "", "", False, False, status) for status in ("empty", "malformed", "syntax", "exit")
    ]
    found = metrics.outcomes(ended)
    assert (found["empty"], found["malformed"], found["wrong"]) == (1, 2, 1)


def test_compare_without_scores_is_none(tmp_path):
    assert compare(str(tmp_path)) is None
