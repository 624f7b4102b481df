"""A diagnosis is told for every kind of mistake, says what matters, and verifies at every length."""

import pytest

from ray_app.repair.narration.diagnose import diagnoses
from ray_app.repair.verify import verify
from tests.repair.kit import BUGS, TOTAL, bug


@pytest.mark.parametrize("name", BUGS)
def test_diagnosis_of_every_kind_of_mistake_verifies_at_every_length(name: str):
    case = bug(*BUGS[name])
    texts = list(diagnoses(case))
    assert len(texts) == (8 if case.is_whole else 4)
    for text in texts:
        verdict = verify(case, text)
        assert verdict.accepted, (verdict.reason, verdict.detail, text)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("state", ["should return 7", "it returns -7", "`total` becomes 0 + 3 = 3", "subtracts instead of adding"]),
        ("test", ["here `x > 0` is 3 > 0 = True", "`x > 3`", "so that the line reads `if x > 0:`"]),
        ("raise", ["it raises `IndexError", "too high by one"]),
        ("branch", ["`n < 0` is -4 < 0 = True", "`f` returns 0", "`if n < 0:` with `return 0` in it"]),
        ("condition", ["1 in [2] = False", "not be done in every case", "Put this line inside `if x in ys:`"]),
        ("loop", ["`range(len(xs))` is range(3) = range(0, 3)", "`range(1, len(xs))` is wrong here"]),
        ("range", ["`range(len(xs))` is range(2) = range(0, 2)", "too low by one"]),
        ("alias", ["`xs` is [1].", "makes no copy", "L3 only shows it"]),
        ("call", ["[L1] Call of `f`: `a` is 3; `n` is 0.", "then the call of `f`: `a` is 3; `n` is 1."]),
        ("endless", ["it does not come to an end", "`n` becomes 5 & 4 = 4"]),
        ("too deep", ["wrong order", "the call of `f`: `a` is 12; `b` is 3"]),
    ],
)
def test_diagnosis_says_what_matters(name: str, parts: list[str]):
    text = next(diagnoses(bug(*BUGS[name])))
    assert [part for part in parts if part not in text] == [], text


def test_diagnosis_without_an_end_stops_the_telling_before_the_run():
    text = next(diagnoses(bug(*BUGS["endless"])))
    assert "That is where the telling stops; the run goes on." in text


def test_diagnosis_of_runs_that_do_not_differ_is_nothing():
    assert list(diagnoses(bug(TOTAL, "total += x", "total = total + x", "f([1])"))) == []


def test_diagnosis_of_a_loop_over_what_cannot_be_iterated():
    fixed = "def f(xs, n):\n    t = n\n    for x in xs:\n        t += x\n    return t\n"
    case = bug(fixed, "in xs", "in n", "f([1], 2)")
    text = next(diagnoses(case))
    assert "In a correct run: here `xs` is [1]." in text
    assert verify(case, text).accepted
