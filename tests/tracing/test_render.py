"""Each rendering tells exactly its trace: true texts pass their checker, every corrupted one fails."""

import json
import mmap
import random
from collections.abc import Callable

import pytest

from ray_app.sandbox import warm
from ray_app.tracing import reader, recorder
from ray_app.tracing.model import Trace
from ray_app.tracing.probes import Probe, check, probes
from ray_app.tracing.render import RENDERINGS, Rendering
from tests.tracing import corpora
from tests.tracing.confined import run_confined
from tests.tracing.corpora import Program
from tests.tracing.tricky_programs import tricky

SAMPLE = '''\
def g(x):
    return x * 2

def f(n):
    total = 0
    for i in range(n):
        total += g(i)
    text = """a
b"""
    del i
    return total
'''


def traced(program: Program, *, max_events: int = 4096) -> Trace:
    _, code, call = program
    space: dict[str, object] = {"__name__": "program"}
    exec(compile(code, "<program>", "exec"), space)
    expression = compile(call, "<call>", "eval")
    with mmap.mmap(-1, 4 << 20) as buffer:
        recorder.start(buffer, "<program>", value_chars=512, max_events=max_events)
        try:
            eval(expression, space)
        except Exception:
            pass
        finally:
            recorder.stop()
        return reader.decode(memoryview(buffer))


@pytest.fixture(params=RENDERINGS)
def rendering(request: pytest.FixtureRequest) -> Rendering:
    return RENDERINGS[request.param]


def test_scratchpad_writes_whole_states_behind_their_lines() -> None:
    rows = RENDERINGS["scratchpad"].render(SAMPLE, traced(("", SAMPLE, "f(1)"))).split("\n")
    assert rows[1] == '    return x * 2  # [STATE] {"x": 0, "return": 0} [/STATE]'
    assert rows[5] == (
        '    for i in range(n):  # [STATE] {"n": 1, "total": 0, "i": 0} [/STATE]'
        ' [STATE] {"n": 1, "total": 0, "i": 0} [/STATE]'
    )
    assert rows[7] == '    text = """a'
    assert rows[8] == 'b"""  # [STATE] {"n": 1, "total": 0, "i": 0, "text": \'a\\nb\'} [/STATE]'


def test_next_trace_keeps_the_first_two_and_the_last_state() -> None:
    rows = RENDERINGS["next"].render(SAMPLE, traced(("", SAMPLE, "f(4)"))).split("\n")
    assert rows[0] == 'def g(x):  # [STATE-3] {"x": 0} [STATE-7] {"x": 1} ... [STATE-15] {"x": 3}'
    assert rows[3] == 'def f(n):  # [STATE-0] {"n": 4}'
    assert rows[9] == '    del i  # [STATE-20] {"i": <unbound>}'
    assert rows[10] == '    return total  # [STATE-21] {"return": 12}'


def test_concise_tells_lines_in_order_with_nested_calls() -> None:
    assert RENDERINGS["concise"].render(SAMPLE, traced(("", SAMPLE, "f(2)"))).split("\n") == [
        "call f at L4: n = 2",
        "L5: total = 0",
        "L6: i = 0",
        "L7",
        "  call g at L1: x = 0",
        "  L2: return 0",
        "L6: i = 1",
        "L7",
        "  call g at L1: x = 1",
        "  L2: return 2",
        "L7: total = 2",
        "L6",
        "L8: text = 'a\\nb'",
        "L10: i unbound",
        "L11: return 2",
    ]


def test_cwm_frames_follow_the_published_form() -> None:
    code = "def f(n):\n    m = n + 1\n    return m"
    assert RENDERINGS["cwm"].render(code, traced(("", code, "f(1)"))) == (
        "<|trace_context_start|>def f(n):  # << START_OF_TRACE\n    m = n + 1\n    return m<|frame_sep|>"
        '<|call_sep|>{"n": "1"}<|action_sep|>def f(n):\n<|frame_sep|>'
        '<|line_sep|>{"n": ".."}<|action_sep|>    m = n + 1\n<|frame_sep|>'
        '<|line_sep|>{"n": "..", "m": "2"}<|action_sep|>    return m\n<|frame_sep|>'
        '<|return_sep|><|action_sep|>    return m\n<|arg_sep|>"2"<|frame_sep|>'
    )


@pytest.mark.parametrize("program", tricky(), ids=lambda program: program[0])
def test_rendering_of_any_program_passes_its_checker(rendering: Rendering, program: Program) -> None:
    trace = traced(program)
    assert rendering.check(rendering.render(program[1], trace), program[1], trace) is None


def test_rendering_of_a_truncated_trace_passes_its_checker(rendering: Rendering) -> None:
    trace = traced(("", SAMPLE, "f(3)"), max_events=10)
    assert trace.truncated
    assert rendering.check(rendering.render(SAMPLE, trace), SAMPLE, trace) is None


@pytest.mark.parametrize("seed", range(40))
def test_rendering_with_one_wrong_character_fails_its_checker(rendering: Rendering, seed: int) -> None:
    rng = random.Random(seed)
    trace = traced(("", SAMPLE, "f(3)"))
    text = rendering.render(SAMPLE, trace)
    position = rng.choice([at for at, character in enumerate(text) if character.isalnum()])
    wrong = rng.choice([c for c in "0123456789abc" if c != text[position]])
    assert rendering.check(text[:position] + wrong + text[position + 1 :], SAMPLE, trace) is not None


def test_rendering_of_another_call_fails_the_checker(rendering: Rendering) -> None:
    other = rendering.render(SAMPLE, traced(("", SAMPLE, "f(2)")))
    assert rendering.check(other, SAMPLE, traced(("", SAMPLE, "f(3)"))) is not None


def test_rendering_with_a_row_too_few_or_too_many_fails_the_checker(rendering: Rendering) -> None:
    trace = traced(("", SAMPLE, "f(2)"))
    rows = rendering.render(SAMPLE, trace).split("\n")
    for at in range(len(rows)):
        if rows[at]:
            assert rendering.check("\n".join(rows[:at] + rows[at + 1 :]), SAMPLE, trace) is not None
            assert rendering.check("\n".join([*rows[:at], rows[at], *rows[at:]]), SAMPLE, trace) is not None


def complaints(program: Program) -> list[str]:
    """What a checker says against a true rendering or probe of the program, and lines that coverage gets wrong."""
    name, code, call = program
    trace = traced(program)
    found = [
        f"{name} {form}: {wrong}"
        for form, rendering in RENDERINGS.items()
        if (wrong := rendering.check(rendering.render(code, trace), code, trace)) is not None
    ]
    for probe in probes(code, call, trace, seed=0):
        if not check(probe, probe.answer) or check(probe, "no idea") or check(probe, probe.answer + "1"):
            found.append(f"{name}: {probe}")
    return found


def test_renderings_and_probes_of_all_of_cruxeval_pass_their_checkers() -> None:
    if not corpora.DATA.exists():
        pytest.skip(f"{corpora.DATA} is absent")
    warm.load("full")
    programs = corpora.cruxeval()

    def work() -> str:
        return json.dumps([wrong for program in programs for wrong in complaints(program)])

    assert json.loads(run_confined(work, cpu_s=100)) == []


PROBED = '''\
def f(xs):
    """Sums."""
    total = 0
    for x in xs:
        total += x
        if total > 100:
            total = 100
    while total > 2:
        total -= 2
    return [total]
'''


def probed(kind: str) -> dict[str, str]:
    trace = traced(("", PROBED, "f([1, 4, 2])"))
    found = probes(PROBED, "f([1, 4, 2])", trace, seed=3, per_kind=1000)
    asked = [probe for probe in found if probe.kind == kind]
    return {probe.question.removeprefix("During `f([1, 4, 2])`, "): probe.answer for probe in asked}


@pytest.mark.parametrize(
    ("kind", "question", "answer"),
    [
        ("next-line", "execution has just begun line 6 for the 3rd time. Which line begins next?", "4"),
        ("value", "just before line 5 for the 2nd time, what is the value of `total`?", "1"),
        ("type", "just before line 3 for the 1st time, what is the type of `xs`?", "list"),
        ("iterations", "how many times in total does the body of the loop at line 4 run?", "3"),
        ("iterations", "how many times in total does the body of the loop at line 8 run?", "3"),
        (
            "coverage",
            "which lines of `f` (line 1) that begin a statement never run? Answer with their numbers, or none.",
            "7",
        ),
    ],
)
def test_probes_ask_what_the_trace_decides(kind: str, question: str, answer: str) -> None:
    assert probed(kind)[question] == answer


def test_probes_depend_on_the_seed_only() -> None:
    trace = traced(("", PROBED, "f([1, 4, 2])"))
    chosen: Callable[[int], object] = lambda seed: probes(PROBED, "f([1, 4, 2])", trace, seed=seed)  # noqa: E731
    assert chosen(1) == chosen(1)
    assert chosen(1) != chosen(2)


@pytest.mark.parametrize(
    ("kind", "answer", "given", "right"),
    [
        ("value", "{1, 2}", "{2, 1}", True),
        ("value", "[1, 2]", "`[1,2]`", True),
        ("value", "'a'", '"a"', True),
        ("value", "1", "1.0", False),
        ("value", "[1]", "[True]", False),
        ("value", "(1, 2)", "[1, 2]", False),
        ("value", "Point(x=1)", "Point(x=1)", True),
        ("value", "Point(x=1)", "Point(x=2)", False),
        ("next-line", "7", "line 7.", True),
        ("next-line", "7", "17", False),
        ("next-line", "7", "7 or 8", False),
        ("type", "list", "<class 'list'>", True),
        ("type", "list", "tuple", False),
        ("coverage", "5, 7", "[7, 5]", True),
        ("coverage", "none", "None.", True),
        ("coverage", "none", "5", False),
        ("coverage", "5", "none", False),
        ("iterations", "3", "3", True),
        ("iterations", "3", "three or so", False),
    ],
)
def test_check_of_a_probe_accepts_what_means_the_same(kind: str, answer: str, given: str, right: bool) -> None:
    assert check(Probe("?", answer, kind), given) is right  # type: ignore[arg-type]
