"""The command line that every pipeline has: `python -m pipelines.X --recipe NAME --root DIR [--set KEY=VALUE ...]`."""

import ast
import contextlib
import dataclasses
import inspect
import os
import re
import shlex
import sys
import time
import traceback
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, cast

import typer

from cluster.session import in_job, submission_id
from pipelines.recipes import RECIPES, Recipe
from ray_app.errors import InputError, SemrayError
from ray_app.lock import held
from ray_app.store import open_root
from ray_app.teacher.budget import Price
from ray_app.teacher.endpoint import Place

T = TypeVar("T")


def override(config: T, assignment: str) -> T:
    """A copy of a frozen dataclass with `a.b=value` applied; InputError names an unknown key or a wrong type."""
    key, equals, text = assignment.partition("=")
    if not equals:
        raise InputError(f"--set {assignment!r} has no '='; write --set train.max_steps=10")
    return cast("T", _replaced(config, key.split("."), text, key))


def _replaced(config: Any, path: list[str], text: str, key: str) -> Any:
    names = [field.name for field in dataclasses.fields(config)]
    if path[0] not in names:
        raise InputError(f"unknown setting {key!r}; at this level there are: {', '.join(names)}")
    old = getattr(config, path[0])
    if dataclasses.is_dataclass(old):
        if len(path) == 1:
            raise InputError(f"{key!r} is a group of settings; set one of: {_names(old)}")
        return dataclasses.replace(config, **{path[0]: _replaced(old, path[1:], text, key)})
    if len(path) > 1:
        raise InputError(f"{key!r} goes too deep: {path[0]!r} is a single value")
    return dataclasses.replace(config, **{path[0]: _value(text, old, key)})


def _names(config: Any) -> str:
    return ", ".join(field.name for field in dataclasses.fields(config))


def _value(text: str, old: Any, key: str) -> Any:
    """The text as a value of the same type as the one it replaces."""
    if isinstance(old, str):
        return text
    try:
        new = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise InputError(f"--set {key}={text}: not a {type(old).__name__}, such as {old!r}") from None
    if isinstance(old, float) and isinstance(new, int) and not isinstance(new, bool):
        return float(new)
    if old is not None and type(new) is not type(old):
        raise InputError(f"--set {key}={text}: not a {type(old).__name__}, such as {old!r}")
    return new


def settings_of(config: Any, prefix: str = "") -> list[str]:
    """Every setting of a recipe as `--set` takes it, a line each."""
    lines: list[str] = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            lines += settings_of(value, f"{prefix}{field.name}.")
        else:
            lines.append(f"{prefix}{field.name}={value if isinstance(value, str) else repr(value)}")
    return lines


def _show_settings(context: typer.Context, wanted: bool) -> None:
    if wanted:
        recipe = recipe_of(context.params.get("recipe", "demo"), context.params.get("settings") or [])
        typer.echo("\n".join(settings_of(recipe)))
        raise typer.Exit


def root_of(text: str) -> str:
    """The root in absolute form, writable. Inside a Ray job a relative path would lie in a copy of the directory."""
    if in_job() and "://" not in text and not text.startswith(("/", "~")):
        raise InputError(
            f"--root {text!r} is relative, but a Ray job runs in a copy of the working directory; "
            "give an absolute path or a URI such as s3://bucket/run"
        )
    return open_root(text)


def recipe_of(name: str, assignments: list[str]) -> Recipe:
    """The named recipe with the `--set` assignments applied."""
    if name not in RECIPES:
        raise InputError(f"unknown recipe {name!r}; choose one of: {', '.join(RECIPES)}")
    recipe = RECIPES[name]()
    for assignment in assignments:
        recipe = override(recipe, assignment)
    return recipe


RecipeName = Annotated[str, typer.Option("--recipe", help=f"one of: {', '.join(RECIPES)} (pipelines/recipes.py)")]
Root = Annotated[str, typer.Option("--root", help="where all shards, models and scores go: a path or URI")]
Settings = Annotated[
    list[str], typer.Option("--set", help="change one number of the recipe: --set train.max_steps=10 (repeatable)")
]
ShowSettings = Annotated[
    bool,
    typer.Option("--show-settings", callback=_show_settings, help="print every setting of the recipe and its value"),
]
Port = Annotated[int, typer.Option(help="port on loopback")]
Url = Annotated[str, typer.Option("--endpoint", help="OpenAI-compatible endpoint, such as http://127.0.0.1:8000/v1")]
ModelName = Annotated[str, typer.Option("--model", help="the model's name at that endpoint")]
Vllm = Annotated[
    bool, typer.Option("--vllm", help="ask inside the cluster instead: vLLM runs the recipe's model, or --model")
]
Prices = Annotated[str, typer.Option("--price", help="USD per million prompt and completion tokens: 0.15,0.60")]
Budget = Annotated[
    str, typer.Option("--budget", help="the most to pay in this run: 5usd (needs --price), 200000tokens")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="ask nothing; print prompts, tokens and cost at most")]


def place_of(url: str) -> Place:
    """The endpoint that a user named; its key is in OPENAI_API_KEY, which only the driver's machine has."""
    return Place(url, os.environ.get("OPENAI_API_KEY", ""))


def price_of(text: str) -> Price:
    """The price that "0.15,0.60" states, in USD per million prompt and completion tokens; free for ""."""
    try:
        prompt, completion = (float(part) for part in text.split(",")) if text else (0.0, 0.0)
    except ValueError:
        raise InputError(f"--price {text!r} is not two numbers; write --price 0.15,0.60") from None
    return Price(prompt, completion)


def budget_of(text: str, price: Price) -> tuple[int, float]:
    """(tokens, USD) that may be spent, 0 where there is no limit."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *(usd|tokens)", text.lower()) if text else None
    if text and match is None:
        raise InputError(f"--budget {text!r} has no unit; write --budget 5usd or --budget 200000tokens")
    if match is None:
        return 0, 0.0
    if match[2] == "usd" and price == Price():
        raise InputError(f"--budget {text} needs to know what tokens cost; add --price 0.15,0.60")
    return (0, float(match[1])) if match[2] == "usd" else (int(float(match[1])), 0.0)


def main(pipeline: Callable[..., None], *, writes: bool = True) -> None:
    """Run `pipeline(recipe, root, ...)` from the command line; errors are one line, and a failure says how to resume.

    Further parameters of the pipeline become options; its docstring is the help text. One that `writes` owns its root:
    a second one is refused.
    """
    extra = list(inspect.signature(pipeline).parameters.values())[2:]

    def command(
        recipe: RecipeName = "demo",
        root: Root = "",
        settings: Settings = [],  # noqa: B006
        show_settings: ShowSettings = False,
        **more: Any,
    ) -> None:
        if not root:
            raise InputError("no --root given; say where results go, such as --root runs/demo")
        numbers, place = recipe_of(recipe, settings), root_of(root)
        os.environ.setdefault("SEMRAY_RUN", submission_id() or f"{_program()}-{int(time.time())}-{os.getpid()}")
        with held(place, _job()) if writes else contextlib.nullcontext():
            pipeline(numbers, place, **more)

    own = list(inspect.signature(command).parameters.values())[:-1]
    vars(command)["__signature__"] = inspect.Signature([*own, *extra])
    command.__annotations__ |= {parameter.name: parameter.annotation for parameter in extra}
    command.__doc__ = pipeline.__doc__
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app()
    except InputError as error:
        sys.exit(f"error: {error}")
    except SemrayError as error:
        sys.exit(f"error: {error}\nfinished shards are kept; resume: {resume_command()}")
    except KeyboardInterrupt:
        print(f"\nstopped; finished shards are kept. Resume: {resume_command()}", file=sys.stderr)
        sys.exit(130)
    except Exception:
        traceback.print_exc()
        sys.exit(f"this is a defect of semray; finished shards are kept; resume: {resume_command()}")


def _program() -> str:
    spec = vars(sys.modules["__main__"]).get("__spec__")
    return spec.name if spec is not None else sys.argv[0]


def _job() -> str:
    job = submission_id()
    return f"{_program()}, Ray job {job}" if job else _program()


def resume_command() -> str:
    """What to type to go on where this process stopped: from a shell, or on the cluster whose job it is."""
    command = shlex.join(["python", "-m", _program(), *sys.argv[1:]])
    return f"python -m cluster.submit -- {command}" if in_job() else command
