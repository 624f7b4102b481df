import ast

import pytest

from ray_app.semantics.record import Change, Run, Step
from tests.semantics.local import record
from tests.semantics.programs import PROGRAMS


def steps_on(run: Run, line: int, kind: str = "statement") -> list[Step]:
    return [step for step in run.steps if step.line == line and step.kind == kind]


def values_of(run: Run, text: str) -> list[str]:
    return [made.value for made in run.evaluations if run.source.text(made.node) == text]


def changes_of(step: Step) -> dict[str, str | None]:
    return {change.name: change.after for change in step.changes}


@pytest.mark.parametrize("name", PROGRAMS)
def test_states_follow_from_each_other(name):
    """What a step leaves is what the next step of its frame finds, but for what others did meanwhile."""
    run = record(*PROGRAMS[name])
    for frame in run.frames:
        for step, following in zip(frame.steps, frame.steps[1:], strict=False):
            one, other = run.steps[step], run.steps[following]
            plain = one.kind == "statement" and other.kind == "statement"
            simple = plain and isinstance(run.source.nodes[one.node], (ast.Assign, ast.AugAssign))
            if simple and not frame.yields:
                shared = {name: text for name, text in one.after.items() if name in other.before}
                assert shared.items() <= dict(other.before).items()


@pytest.mark.parametrize("name", PROGRAMS)
def test_evaluations_name_their_steps_and_frames(name):
    run = record(*PROGRAMS[name])
    for made in run.evaluations:
        assert made.index in run.steps[made.step].evaluations
        assert all(0 < frame < len(run.frames) for frame in made.frames)
    for frame in run.frames:
        assert frame.node >= 0
        assert all(run.steps[index].frame == frame.serial for index in frame.steps)
        assert frame.serial == 0 or frame.caller is not None
        assert frame.function.rpartition(".")[2] == run.source.qualified_name(frame.node).rpartition(".")[2]


def test_conditions_have_the_value_and_truth_of_where_evaluation_ended():
    run = record("def f(a, b):\n    if a and (not b or a[0] > 1):\n        return 1\n    return 2\n", "f([0], 5)")
    truths = {run.source.text(made.node): (made.value, made.truth) for made in run.evaluations}
    assert truths == {
        "a": ("[0]", None),
        "b": ("5", True),
        "not b": ("False", False),
        "a[0]": ("0", None),
        "a[0] > 1": ("False", False),
        "not b or a[0] > 1": ("False", False),
        "a and (not b or a[0] > 1)": ("False", False),
    }
    assert run.evaluations_of(run.source.id_of(run.source.tree.body[0].body[0].test.values[0]))[0].truth is True


def test_operands_of_a_used_and_or_know_what_they_were_taken_for():
    run = record("def f(a, b):\n    return a or b or 3\n", "f(0, '')")
    assert [(made.value, made.truth) for made in run.evaluations] == [
        ("0", False),
        ("''", False),
        ("3", None),
        ("3", None),
    ]


def test_loops_number_iterations_per_entry():
    run = record(
        "def f():\n    for a in 'xy':\n        for b in a:\n            c = 1\n    for d in ():\n        pass\n", "f()"
    )
    assert [step.loops[-1][1] for step in steps_on(run, 4)] == [1, 1]
    assert [[count for _, count in step.loops] for step in steps_on(run, 4)] == [[1, 1], [2, 1]]
    outer, empty = steps_on(run, 2)[0].node, steps_on(run, 5)[0].node
    inner = steps_on(run, 3)[0].node
    assert (run.iterations(outer, 0), run.iterations(inner, 0), run.iterations(empty, 0)) == ((2,), (1, 1), (0,))


def test_while_tests_are_steps_and_only_true_ones_begin_iterations():
    run = record("def f(n):\n    while n > 1:\n        n -= 1\n    return n\n", "f(3)")
    tests = steps_on(run, 2, "test")
    assert [run.truth_of(step, run.source.nodes[step.node].test) for step in tests] == [True, True, False]
    assert run.iterations(tests[0].node, 0) == (2,)


def test_endless_loop_counts_its_iterations_whatever_its_body_begins_with():
    run = record(*PROGRAMS["while"])
    loop = steps_on(run, 3)[0].node
    assert run.iterations(loop, 0) == (17,)


def test_a_loop_variable_is_bound_by_the_iteration_and_changed_by_the_body():
    run = record("def f():\n    for x in [1, 2]:\n        x += 10\n", "f()")
    assert [step.bound for step in steps_on(run, 2, "iteration")] == [(("x", "1"),), (("x", "2"),)]
    assert [changes_of(step) for step in steps_on(run, 2, "iteration")] == [{"x": "1"}, {"x": "2"}]
    assert [changes_of(step) for step in steps_on(run, 3)] == [{"x": "11"}, {"x": "12"}]


def test_an_item_as_loop_variable_is_written_by_the_iteration():
    run = record("def f(d):\n    e = d\n    for d['k'] in [1, 2]:\n        x = 3\n    return d\n", "f({})")
    assert [changes_of(step)["d"] for step in steps_on(run, 3, "iteration")] == ["{'k': 1}", "{'k': 2}"]
    assert [changes_of(step) for step in steps_on(run, 4)] == [{"x": "3"}, {}]
    assert changes_of(steps_on(run, 3)[0]) == {}


def test_augmented_assignment_notes_the_old_and_the_new_value():
    code = (
        "class A:\n    pass\ndef f(d, k):\n    d[k] += 1\n    a = A()\n    a.v = 2\n    a.v *= 5\n    k += 'z'\n"
        "    return a.v\n"
    )
    run = record(code, "f({'x': 1}, 'x')")
    assert (values_of(run, "d[k]"), values_of(run, "d[k] += 1")) == (["1"], ["2"])
    assert (values_of(run, "a.v")[0], values_of(run, "a.v *= 5")) == ("2", ["10"])
    assert (values_of(run, "k")[-1], values_of(run, "k += 'z'")) == ("'x'", ["'xz'"])


def test_matched_case_binds_its_names():
    run = record(*PROGRAMS["match"])
    bound = [step.bound for step in run.steps if step.kind == "case"]
    assert bound[1:3] == [(("a", "3"), ("rest", "[1]")), (("a", "1"), ("rest", "[1]"))]
    assert (("s", "'ab'"),) in bound


def test_raised_marks_the_step_that_an_exception_left():
    run = record(*PROGRAMS["finally"])
    raised = [(step.line, step.raised) for step in run.steps if step.raised]
    assert raised == [
        (5, "ZeroDivisionError: integer division or modulo by zero"),
        (8, "ValueError: bad"),
    ]


def test_nothing_in_a_finally_raises_what_passes_through_it():
    code = "def f():\n    try:\n        raise KeyError(1)\n    finally:\n        x = 2\n"
    run = record(code, "f()")
    assert [(step.line, step.kind) for step in run.steps if step.raised] == [(3, "statement")]
    assert (run.frames[0].end, run.frames[0].value) == ("raise", "KeyError: 1")


def test_bare_raise_is_said_to_raise():
    code = "def f():\n    try:\n        1 / 0\n    except ZeroDivisionError:\n        raise\n"
    run = record(code, "f()")
    assert [step.line for step in run.steps if step.raised] == [3, 5]


def test_generators_suspend_and_resume_without_taking_others_effects():
    run = record(*PROGRAMS["generator"])
    first = run.frames[1]
    assert (first.function, first.yields, first.end) == ("numbers", ("0", "2", "4"), "return")
    assert run.frames[2].value == "'stopped'"
    assert changes_of(steps_on(run, 10)[0]) == {"found": "[0]"}
    assert all("k" not in changes_of(step) for step in steps_on(run, 3))


def test_captured_variables_and_globals_are_states():
    run = record(*PROGRAMS["closure"])
    step = steps_on(run, 5)[0]
    assert step.before["n"] == "0"
    assert step.changes == (Change("n", "captured", "0", "1"),)
    run = record(*PROGRAMS["globals"])
    step = steps_on(run, 10)[0]
    assert (step.before["total"], step.before["LIMIT"]) == ("0", "3")
    assert [(change.name, change.scope, change.after) for change in steps_on(run, 10)[1].changes] == [
        ("total", "global", "1")
    ]


def test_class_data_is_watched_and_frames_know_their_callers():
    run = record(*PROGRAMS["class"])
    counted = [change.after for step in steps_on(run, 4) for change in step.changes if change.name == "Base.made"]
    assert counted == ["1", "2"]
    child = next(frame for frame in run.frames if frame.function == "Child.__init__")
    assert run.source.text(run.steps[child.caller].node) == "return cls(v)"
    condition = next(made for made in run.evaluations if run.source.text(made.node) == "a or b")
    assert condition.truth is True
    asked = [made for made in run.evaluations if made.truth is not None and made.frames]
    assert {run.frames[made.frames[-1]].function for made in asked} >= {"Base.__bool__"}


def test_aliases_name_who_else_holds_the_object():
    run = record("def f(a):\n    b = a\n    b.append(1)\n    c = 5\n    d = c\n    return a\n", "f([])")
    assert steps_on(run, 2)[0].changes[0].aliases == ("a",)
    changed = {change.name: change.aliases for change in steps_on(run, 3)[0].changes}
    assert changed == {"a": ("b",), "b": ("a",)}
    assert steps_on(run, 5)[0].changes[0].aliases == ()


def test_context_managers_run_their_exit_for_the_with_statement():
    run = record(*PROGRAMS["with"])
    exits = [frame for frame in run.frames if frame.function == "Guard.__exit__"]
    lines = [run.steps[frame.caller].line for frame in exits]
    assert lines == [13, 13, 17]


def test_comprehensions_are_no_frames_but_steps_of_their_statement():
    run = record(*PROGRAMS["comprehensions"])
    assert {frame.function for frame in run.frames} == {"f", "f.<locals>.<genexpr>"}
    clauses = steps_on(run, 2, "comprehension")
    assert [(step.bound, [count for _, count in step.loops]) for step in clauses[:4]] == [
        ((("x", "1"),), [1]),
        ((("y", "0"),), [1, 1]),
        ((("x", "2"),), [2]),
        ((("x", "3"),), [3]),
    ]
    statement = steps_on(run, 2)[0]
    assert set(clauses[1].evaluations) <= set(statement.evaluations)
    assert [run.evaluations[index].value for index in clauses[1].evaluations] == [
        "'0'"[1:2],
        "True",
        "1",
        "0",
        "(1, 0)",
    ]


def test_runs_over_budget_are_refused_or_cut():
    code = "def f():\n    n = 0\n    while True:\n        n += 1\n"
    with pytest.raises(ValueError, match="over budget"):
        record(code, "f()", events=100)
    run = record(code, "f()", events=100, partial=True)
    assert (run.cut, run.frames[0].end, run.output, run.exception) == (True, "cut", None, None)


def test_crossings_put_frames_on_the_clock_of_steps_and_evaluations():
    run = record(*PROGRAMS["yield from"])
    kinds = [(made.kind, run.frames[made.frame].function) for made in run.crossings]
    assert kinds[:5] == [("call", "f"), ("call", "outer"), ("call", "inner"), ("yield", "inner"), ("yield", "outer")]
    assert [made.begun for made in run.crossings] == sorted(made.begun for made in run.crossings)
    assert all(0 <= made.evaluated <= len(run.evaluations) for made in run.crossings)
