"""A teacher explains runs: a scripted model behind a real endpoint; recording, verifying and editing are real."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.recipes import demo
from ray_app.errors import TeacherError
from ray_app.mixture import from_explanations
from ray_app.monologue import explain as room
from ray_app.monologue.explain import ExplainConfig, Explaining, explain, explain_rows, question, requests
from ray_app.monologue.finish import BETRAYS, finished, in_form
from ray_app.programs.workers import trace_rows
from ray_app.records import Monologue, Program, Reject, TracedProgram, content_id, from_table, to_table
from ray_app.semantics.api import record
from ray_app.stage import Spend
from ray_app.teacher.client import OpenAITeacher
from ray_app.teacher.endpoint import Endpoint
from tests.teacher.endpoint import Endpoint as Answers
from tests.teacher.endpoint import said, serve

CODE = "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"
TRUE = """\
[L1] `f` is called with `xs` = [2, 3].
[L2] `total` is set to 0.
[L3] Iteration 1: `x` is 2.
[L4] `total` becomes 2.
[L3] Iteration 2: `x` is 3.
[L4] `total` becomes 5.
[L5] The loop has ended, and `f` returns 5.
[ANSWER]assert f([2, 3]) == 5[/ANSWER]"""
FALSE = TRUE.replace("`total` becomes 2.", "`total` becomes 4.")
WRONG = TRUE.replace("returns 5", "returns 6").replace("== 5", "== 6")
BACKWARD = """\
[L5] `f` returns 5, so `total` is 5 at the end.
`sum(xs) == 5` must hold.
`len(xs) == 2` must hold.
Choose `xs` to be [1, 4].
[ANSWER]assert f([1, 4]) == 5[/ANSWER]"""
CONFIG = replace(
    demo().synthesize.explain,
    directions=("forward",),
    unchecked="keep",
    temperature=0.0,
    longest_code=1_000,
    longest_prompt=10_000,
)
Script = Callable[[dict[str, Any], int], Any]


def traced(code: str = CODE, *calls: str) -> TracedProgram:
    calls = calls or ("f([2, 3])",)
    program = Program(content_id(code, *calls), "grow", code, "f", calls, "", "here", "MIT", 2)
    (row,) = trace_rows([program], demo().synthesize.trace)
    assert isinstance(row, TracedProgram)
    return row


def rows_of(
    script: Script | str, config: ExplainConfig = CONFIG, rows: list[TracedProgram] | None = None
) -> tuple[list[Monologue | Reject], Answers]:
    answer: Script = (lambda body, serial: said(script)) if isinstance(script, str) else script
    with serve(answer) as endpoint:
        teacher = OpenAITeacher(endpoint.url, "tiny", attempts=1, sleep=lambda s: None)
        return list(explain(rows or [traced()], teacher, config)), endpoint


def sent(endpoint: Answers, request: int, turn: int) -> str:
    return endpoint.bodies[request]["messages"][turn]["content"]


def test_true_explanation_is_kept_as_it_is_and_asked_for_once() -> None:
    (row,), endpoint = rows_of(TRUE)
    assert isinstance(row, Monologue)
    assert (row.author, row.edits, row.text, row.witness) == ("tiny", (), TRUE, "f([2, 3])")
    assert {claim.verdict for claim in row.claims} == {"true"}
    assert len(endpoint.bodies) == 1


def test_false_statement_goes_back_with_the_evidence_and_the_corrected_text_is_kept() -> None:
    (row,), endpoint = rows_of(lambda body, serial: said(FALSE if serial == 0 else TRUE))
    assert isinstance(row, Monologue)
    assert (row.text, row.edits) == (TRUE, ())
    assert [turn["role"] for turn in endpoint.bodies[1]["messages"]] == ["user", "assistant", "user"]
    assert sent(endpoint, 1, 1) == FALSE
    assert "becomes 4" in sent(endpoint, 1, 2)
    assert "becomes 5" not in sent(endpoint, 1, 2)


def test_statement_that_stays_false_is_corrected_from_the_record_and_the_row_says_so() -> None:
    (row,), endpoint = rows_of(FALSE)
    assert isinstance(row, Monologue)
    assert row.text == TRUE
    ((kind, before, after),) = [(edit.kind, edit.before, edit.after) for edit in row.edits]
    assert (kind, before, after) == ("corrected", "4", "2")
    assert row.edits[0].why
    assert len(endpoint.bodies) == 2
    assert from_table(Monologue, to_table(Monologue, [row])) == [row]


def test_statement_without_a_value_to_put_right_is_cut() -> None:
    (row,), _ = rows_of(TRUE.replace("[L5] The", "Line 4 never runs.\n[L5] The"))
    assert isinstance(row, Monologue)
    assert "never runs" not in row.text
    assert [edit.kind for edit in row.edits] == ["cut"]


def test_wrong_answer_is_refused_with_reason_and_words() -> None:
    (row,), _ = rows_of(WRONG)
    assert isinstance(row, Reject)
    assert (row.stage, row.reason) == ("explained", "forward: final answer is wrong")
    assert "returns 6" in row.detail
    assert row.detail.startswith("f([2, 3]): ")


def test_without_corrections_nothing_goes_back() -> None:
    (row,), endpoint = rows_of(FALSE, replace(CONFIG, corrections=0))
    assert isinstance(row, Monologue)
    assert len(endpoint.bodies) == 1


def test_of_several_samples_the_least_edited_are_kept_each_once() -> None:
    config = replace(CONFIG, samples=4, keep=2, corrections=0)
    other = TRUE.replace("[L2] `total` is set to 0.", "[L2] First, `total` is set to 0.")
    rows, endpoint = rows_of(lambda body, serial: said(FALSE, other, TRUE, WRONG), config)
    kept = [(row.text, len(row.edits)) for row in rows if isinstance(row, Monologue)]
    assert sorted(kept) == sorted([(other, 0), (TRUE, 0)])
    assert [row.reason for row in rows if isinstance(row, Reject)] == ["forward: final answer is wrong"]
    assert endpoint.bodies[0]["n"] == 4


def test_backward_explanation_loses_a_condition_that_other_inputs_break() -> None:
    (row,), endpoint = rows_of(BACKWARD, replace(CONFIG, directions=("backward",)))
    assert isinstance(row, Monologue)
    assert (row.direction, row.witness, row.output) == ("backward", "f([1, 4])", "5")
    assert "len(xs) == 2" not in row.text
    assert "sum(xs) == 5" in row.text
    assert any(edit.kind == "cut" and "len(xs) == 2" in edit.before for edit in row.edits)
    assert "assert f([2, 3]) == 5" in sent(endpoint, 0, 0)  # told


def test_only_a_teacher_that_is_told_sees_the_record() -> None:
    run = record(CODE, "f([2, 3])").run
    assert run is not None
    program = traced().program
    assert "[L4] total += x  |  total += x -> 5" in question(program, run, "forward", "told")
    assert "f([2, 3]) == 5" not in question(program, run, "forward", "untold")
    for direction in ("forward", "backward"):
        assert "total += x -> 5" in question(program, run, direction, "told")
        assert "-> 5" not in question(program, run, direction, "untold")
    assert "f([2, 3])" not in question(program, run, "backward", "untold")
    assert "assert f(??) == 5" in question(program, run, "backward", "untold")
    assert "# [L4]" in question(program, run, "forward", "untold")


def test_text_that_speaks_of_what_it_was_told_is_refused() -> None:
    text = TRUE.replace(
        "[L5] The loop has ended", "[L5] According to the record given in this list, the loop has ended"
    )
    (row,), _ = rows_of(text)
    assert isinstance(row, Reject)
    assert row.reason == f"forward: {BETRAYS}"


def test_text_that_speaks_of_lists_of_the_program_is_no_such_text() -> None:
    (row,), _ = rows_of(TRUE.replace("[L5] The loop", "[L5] Nothing is left in the list, so the loop"))
    assert isinstance(row, Monologue)


def test_reply_cut_off_at_the_cap_is_refused_as_such() -> None:
    def script(body: dict[str, Any], serial: int) -> Any:
        status, answer = said("[L1] The call begins and then")
        answer["choices"][0]["finish_reason"] = "length"
        return status, answer

    (row,), endpoint = rows_of(script)
    assert isinstance(row, Reject)
    assert row.reason == "forward: reply cut off at the cap"
    assert "cut off at the cap" in sent(endpoint, 1, 2)


def test_run_that_raises_is_explained_forward_only() -> None:
    code = "def f(x):\n    y = x - 1\n    return 6 // y\n"
    raises = (
        "[L2] `y` is set to 0.\n[L3] This raises ZeroDivisionError.\n[ANSWER]f(1) raises ZeroDivisionError[/ANSWER]"
    )
    config = replace(CONFIG, directions=("forward", "backward"), calls=3, corrections=0)
    rows, endpoint = rows_of(raises, config, [traced(code, "f(1)", "f(3)", "f(-1)")])
    (row,) = (row for row in rows if isinstance(row, Monologue))
    assert (row.output, row.exception.partition(":")[0]) == ("", "ZeroDivisionError")
    asked = [body["messages"][0]["content"] for body in endpoint.bodies]
    assert sum("f(1) raises ZeroDivisionError[" in text for text in asked) == 1
    assert len(asked) == 5
    (sample,) = from_explanations([row], demo().synthesize.mixture)
    assert (sample.task, sample.author) == ("exception", "tiny")


def test_answer_gets_the_form_of_training_whatever_the_teacher_wrote() -> None:
    run = record(CODE, "f([2, 3])").run
    assert run is not None
    plain = f"[PYTHON]\n{CODE}[/PYTHON]\n" + TRUE.replace("[ANSWER]", "").replace("[/ANSWER]", "")
    assert in_form(run, plain, "forward") == TRUE
    assert finished(run, plain, "forward", "keep").text == TRUE
    swapped = BACKWARD.replace("assert f([1, 4]) == 5", "5 == f([1, 4])")
    assert in_form(run, swapped, "backward").endswith("[ANSWER]assert f([1, 4]) == 5[/ANSWER]")


def test_claim_that_cannot_be_placed_is_cut_where_the_rest_is_checked_line_by_line() -> None:
    (row,), _ = rows_of(TRUE.replace("[L5] The", "The condition is false.\n[L5] The"))
    assert isinstance(row, Monologue)
    assert row.text.startswith(TRUE.partition("[L5]")[0])
    assert "condition" not in row.text
    assert {edit.kind for edit in row.edits} == {"cut"}


def test_unchecked_sentences_stay_or_go_by_the_setting() -> None:
    text = TRUE.replace("[L2]", "This is a classic way to add things up.\n[L2]")
    for setting, is_there in (("keep", True), ("cut", False)):
        (row,), _ = rows_of(text, replace(CONFIG, unchecked=setting))
        assert isinstance(row, Monologue)
        assert ("classic way" in row.text) is is_there
        assert bool(row.edits) is not is_there


def many(count: int) -> list[TracedProgram]:
    return [traced(CODE, f"f([{n}, 3])") for n in range(count)]


def test_stage_in_which_nearly_all_replies_fail_alike_stops_with_that_reason() -> None:
    with pytest.raises(
        TeacherError, match=r"20 of 20 replies of tiny gave no explanation, for one reason: no claims: I c"
    ):
        rows_of("I cannot.", replace(CONFIG, corrections=0), many(24))


def test_teacher_that_refuses_every_question_is_an_error_also_of_few() -> None:
    with pytest.raises(TeacherError, match=r"2 of 2 replies .*endpoint error: HTTP 400: no chat template"):
        rows_of(lambda body, serial: (400, {"error": {"message": "no chat template"}}), CONFIG, many(2))


def test_replies_that_fail_in_many_ways_stop_nothing() -> None:
    rows, _ = rows_of(
        lambda body, serial: said((WRONG, "I cannot.")[serial % 2]), replace(CONFIG, corrections=0), many(24)
    )
    assert len(rows) == 24


def test_only_chosen_short_programs_in_short_questions_are_asked_about() -> None:
    rows = many(6)
    share = sorted(int(room.place_of(row.id, 0)[:8], 16) for row in rows)[1]
    config = replace(CONFIG, share=(share + 1) / 16**8)
    assert len(list(requests(rows, config))) == 2
    assert list(requests(rows, replace(CONFIG, longest_code=10))) == []
    found, endpoint = rows_of(TRUE, replace(CONFIG, longest_prompt=10), rows[:1])
    assert [row.reason for row in found if isinstance(row, Reject)] == ["forward: question too long"]
    assert endpoint.bodies == []


@pytest.fixture(autouse=True)
def forgotten_teachers() -> Iterator[None]:
    yield
    room._teachers.clear()  # pyright: ignore[reportPrivateUsage]


def test_budget_holds_for_all_shards_and_a_rerun_pays_only_for_the_rest(tmp_path: Path) -> None:
    rows, config = many(6), replace(CONFIG, corrections=0)
    with serve(lambda body, serial: said(TRUE, prompt_tokens=700, completion_tokens=100)) as endpoint:
        whom = Endpoint("tiny", url=endpoint.url, cache_dir=str(tmp_path), concurrency=1, max_tokens=4_000)
        shards = (list(explain_rows([row], Explaining(whom, config))) for row in rows)
        with pytest.raises(TeacherError, match="budget of 4000 tokens is spent"):
            list(shards)
        paid = len(endpoint.bodies)
        assert 0 < paid < 6
        more = Explaining(replace(whom, max_tokens=0), config)
        made = [one for row in rows for one in explain_rows([row], more)]
        assert len(endpoint.bodies) == 6
    spends = [one for one in made if isinstance(one, Spend)]
    assert sum(one.tokens_in + one.tokens_out for one in spends) == 800 * (6 - paid)


def test_cached_replies_give_equal_rows_and_ask_nothing(tmp_path: Path) -> None:
    with serve(lambda body, serial: said((FALSE, TRUE, WRONG)[len(body["messages"]) % 3])) as endpoint:
        whom = Explaining(Endpoint("tiny", url=endpoint.url, cache_dir=str(tmp_path)), CONFIG)
        first = list(explain_rows(many(4), whom))
        asked = len(endpoint.bodies)
        second = list(explain_rows(many(4), whom))
        assert len(endpoint.bodies) == asked
    assert first[:-1] == second[:-1]
    assert second[-1] == Spend(0, 0, 0.0)


def test_samples_of_explanations_carry_their_author_and_no_second_direct_answer() -> None:
    (row,), _ = rows_of(TRUE)
    assert isinstance(row, Monologue)
    (sample,) = from_explanations([row], demo().synthesize.mixture)
    assert (sample.task, sample.author, sample.response) == ("forward", "tiny", TRUE)
