"""What the synthesize pipeline says before it asks: estimates and limits. The stages are run in test_resume.py."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.options import budget_of, price_of
from pipelines.synthesize import files, main
from ray_app.errors import InputError
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
    printed = capsys.readouterr().out
    assert printed.startswith("3 prompts to ask and 0 in the cache: at most ")
    asked = int(printed.partition(" prompt and ")[0].split()[-1].replace(",", ""))
    assert asked > 900
    assert f"{3 * recipe.synthesize.ask.max_tokens} completion tokens" in printed
    assert f"{asked / 1000 + 3 * recipe.synthesize.ask.max_tokens * 2 / 1000:.2f} USD" in printed
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
