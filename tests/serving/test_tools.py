"""Trace, verify and debug with the real sandbox."""

from typing import Any

import pytest

from ray_app.sandbox.api import execute
from ray_app.serving import tools
from ray_app.serving.openai_api import ApiError

CODE = """def total(items):
    result = 0
    for item in items:
        if item > 1:
            result = result + item
    return result
"""
BUGGY = CODE.replace("item > 1", "item > 2")


def test_trace_tells_what_happened_and_every_claim_holds() -> None:
    answer = tools.trace({"code": CODE, "call": "total([1, 2, 3])"}, execute)
    assert (answer["status"], answer["output"]) == ("ok", "5")
    assert answer["trace"]["events"][0]["changes"] == ({"name": "items", "value": "[1, 2, 3]"},)
    assert answer["accepted"], answer["reason"]
    assert answer["claims"]
    assert all(claim["verdict"] == "true" for claim in answer["claims"])
    assert "5" in answer["monologue"]


def test_trace_backward_gives_a_monologue_about_the_input() -> None:
    body = {"code": CODE, "call": "total([2, 3])", "direction": "backward"}
    answer = tools.trace(body, execute)
    assert answer["accepted"], answer["reason"]
    assert answer["monologue"]


def test_trace_of_a_raising_call_tells_how_it_fails() -> None:
    answer = tools.trace({"code": CODE, "call": "total(5)"}, execute)
    assert answer["status"] == "exception"
    assert answer["accepted"], answer["reason"]
    assert "[ANSWER]total(5) raises TypeError[/ANSWER]" in answer["monologue"]


def test_trace_backward_of_a_raising_call_is_an_answer_without_monologue() -> None:
    answer = tools.trace({"code": CODE, "call": "total(5)", "direction": "backward"}, execute)
    assert answer["exception"].startswith("TypeError")
    assert answer["monologue"] is None
    assert "not finished" in answer["untold"]


def test_trace_of_a_program_that_never_stops_ends() -> None:
    answer = tools.trace({"code": "def f():\n    while True: pass\n", "call": "f()", "cpu_s": 0.2}, execute)
    assert answer["status"] == "timeout-cpu"


def test_verify_accepts_the_narrated_text_and_refuses_a_corrupted_one() -> None:
    call = {"code": CODE, "call": "total([1, 2, 3])"}
    text = tools.trace(call, execute)["monologue"]
    assert tools.verify({**call, "text": text}, execute)["accepted"]
    corrupted = tools.verify({**call, "text": text.replace("5", "6")}, execute)
    assert not corrupted["accepted"]
    assert any(claim["verdict"] == "false" and claim["evidence"] for claim in corrupted["claims"])
    assert not tools.verify({**call, "text": "It works."}, execute)["accepted"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"code": CODE}, "call"),
        ({"code": CODE, "call": "total("}, "call"),
        ({"code": CODE, "call": "1 + 1"}, "call"),
        ({"code": "", "call": "f()"}, "code"),
        ({"code": "x" * 200_000, "call": "f()"}, "code"),
        ({"code": CODE, "call": "total([])", "cpu_s": 1000}, "cpu_s"),
        ({"code": CODE, "call": "total([])", "colour": 1}, "colour"),
    ],
)
def test_trace_of_a_senseless_body_names_the_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as refused:
        tools.trace(body, execute)
    assert (refused.value.status, refused.value.param) == (400, param)


def test_debug_diagnoses_without_a_model_and_judges_patches() -> None:
    work = tools.Debugging({"code": BUGGY, "test": "assert total([1, 2, 3]) == 5"}, execute)
    assert work.fails
    assert "total([1, 2, 3]) gives 3; the test expects 5" in work.diagnosis
    assert BUGGY in work.messages()[0].content
    good, bad = f"Off by one.\n[Refined]\n{CODE}[/Refined]", f"```python\n{BUGGY}```"
    answer = work.answer([bad, "no idea", good])
    assert answer["passes"]
    assert answer["patch"] == CODE
    assert answer["after"]["output"] == "True"
    worse = work.answer([bad])
    assert (worse["passes"], worse["patch"]) == (False, BUGGY)
    assert work.answer(["no idea"])["patch"] is None


def test_debug_names_the_line_of_an_exception() -> None:
    work = tools.Debugging({"code": "def f(x):\n    return 1 / x\n", "test": "f(0) == 1"}, execute)
    assert "ZeroDivisionError" in work.diagnosis
    assert "line 2 of f: return 1 / x" in work.diagnosis


def test_debug_of_a_passing_test_says_so() -> None:
    work = tools.Debugging({"code": CODE, "test": "total([]) == 0"}, execute)
    assert not work.fails
    assert work.answer([])["fails"] is False


def test_debug_of_a_test_that_is_no_expression_is_refused() -> None:
    with pytest.raises(ApiError) as refused:
        tools.Debugging({"code": CODE, "test": "import os; os"}, execute)
    assert refused.value.param == "test"


@pytest.mark.parametrize(
    ("reply", "patch"),
    [
        ("[Refined]\nx = 1\n[/Refined]", "x = 1\n"),
        ("[Refined]```python\nx = 1\n```[/Refined]", "x = 1\n"),
        ("[Refined]\nx = 1", "x = 1\n"),
        ("```\nx = 2\n```", "x = 2\n"),
        ("[Refined]\nx = = 1\n[/Refined]", None),
        ("I cannot tell.", None),
    ],
)
def test_patch_of_finds_the_module_in_a_reply(reply: str, patch: str | None) -> None:
    assert tools.patch_of(reply) == patch


@pytest.mark.parametrize(
    ("code", "call"),
    [
        (
            "class A:\n    def __init__(self, n):\n        self.n = n\n"
            "    def twice(self, k):\n        return self.n * k * 2\n",
            "A(1).twice(4)",
        ),
        ("a, b = map(int, input().split())\nc = a + b\nprint(c)\n", "__main__('3 4')"),
    ],
)
def test_methods_and_whole_programs_are_traced_and_told(code: str, call: str) -> None:
    answer = tools.trace({"code": code, "call": call}, execute)
    assert answer["status"] == "ok"
    assert answer["accepted"], answer
