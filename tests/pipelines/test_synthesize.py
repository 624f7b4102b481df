"""What the synthesize pipeline says before it asks, and what becomes of a call that raises.

The stages as a whole are run in test_resume.py.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.options import budget_of, price_of
from pipelines.synthesize import files, main
from ray_app.errors import InputError
from ray_app.mixture import chat_rows, from_monologues, pyx_rows
from ray_app.monologue.worker import tell
from ray_app.programs.workers import trace_rows
from ray_app.records import Monologue, Program, TracedProgram, content_id
from ray_app.teacher.budget import Price
from tests.pipelines.tiny import tiny
from tests.teacher.endpoint import said, serve


def test_dry_run_prints_prompts_tokens_and_cost_and_asks_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tiny()
    recipe = replace(recipe, synthesize=replace(recipe.synthesize, asks=3, mine_files=64))
    with serve(lambda body, serial: said("never")) as endpoint:
        main(recipe, str(tmp_path), endpoint=endpoint.url, price="1000,2000", dry_run=True)
    programs, explanations = capsys.readouterr().out.splitlines()
    assert programs.startswith("programs: 3 prompts to ask and 0 in the cache: at most ")
    asked = int(programs.partition(" prompt and ")[0].split()[-1].replace(",", ""))
    assert asked > 900
    assert f"{3 * recipe.synthesize.ask.max_tokens} completion tokens" in programs
    assert f"{asked / 1000 + 3 * recipe.synthesize.ask.max_tokens * 2 / 1000:.2f} USD" in programs
    how = recipe.synthesize.explain
    questions = 2 * recipe.synthesize.explains * how.calls
    assert explanations.startswith(f"explanations: {questions} prompts to ask")
    assert f"{questions * how.max_tokens:,} completion tokens" in explanations
    assert endpoint.bodies == []


def test_empty_source_tree_is_an_input_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no Python files under .* synthesize\.mine_roots"):
        files(replace(tiny().synthesize, mine_roots=(str(tmp_path),)))


def test_price_and_budget_are_read_with_their_units() -> None:
    price = price_of("0.15,0.6")
    assert price == Price(0.15, 0.6)
    assert (budget_of("5usd", price), budget_of("2.5 USD", price)) == ((0, 5.0), (0, 2.5))
    assert (budget_of("200000tokens", Price()), budget_of("", Price())) == ((200_000, 0.0), (0, 0.0))


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"budget": "5", "endpoint": "http://x/v1"}, "--budget 5usd or --budget 200000tokens"),
        ({"budget": "5usd", "endpoint": "http://x/v1"}, "add --price"),
        ({"price": "cheap", "endpoint": "http://x/v1"}, "two numbers"),
        ({"dry_run": True}, "give --endpoint"),
        ({"vllm": True, "endpoint": "http://x/v1"}, "exclude each other"),
    ],
)
def test_contradicting_options_are_refused_before_anything_starts(
    tmp_path: Path, options: dict[str, str | bool], hint: str
) -> None:
    with pytest.raises(InputError, match=hint):
        main(tiny(), str(tmp_path), **options)  # pyright: ignore[reportArgumentType]


def test_call_that_raises_becomes_an_exception_sample_and_no_pyx_row() -> None:
    config = tiny().synthesize
    code = "def f(xs):\n    total = 0\n    for x in xs:\n        total += 60 // x\n    return total\n"
    program = Program(content_id(code), "mine", code, "f", ("f([2, 3])", "f([5, 0])", "f([4])"), "", "here", "MIT")
    (traced,) = (row for row in trace_rows([program], config.trace) if isinstance(row, TracedProgram))
    rows = list(tell([traced], config.narrate))
    told = [row for row in rows if isinstance(row, Monologue)]
    assert len(told) == len(rows)
    (raised,) = (row for row in told if row.exception)
    assert (raised.direction, raised.output, raised.exception.partition(":")[0]) == ("forward", "", "ZeroDivisionError")
    assert raised.text.rstrip().endswith("raises ZeroDivisionError[/ANSWER]")
    assert all(claim.verdict == "true" for claim in raised.claims)
    samples = list(from_monologues(told, replace(config.mixture, held_out_fraction=0.0)))
    (sample,) = (row for row in samples if row.task == "exception")
    assert sample.prompt.endswith(f"{raised.call} raises ??\n[/PYTHON]\n[MONOLOGUE]\n") or "raises ??" in sample.prompt
    pyx = list(pyx_rows(samples, config.mixture))
    assert pyx
    assert not any(raised.call in row.fwd_mnl for row in pyx)
    chats = list(chat_rows(samples, config.mixture))
    assert [chat.task for chat in chats].count("exception") == 1
