"""`semray`: thin commands over the rooms. Each prints what a user asked for; errors are one line on stderr, exit 1."""

from pathlib import Path
from typing import Annotated

import typer

from ray_app.errors import SemrayError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Teach code models what programs do when they run."""


@app.command()
def grade(
    benchmark: Annotated[
        str,
        typer.Option(help="humaneval, humaneval_plus, mbpp, mbpp_plus, cruxeval_input, cruxeval_output, lcb_execution"),
    ],
    samples: Annotated[Path, typer.Option(help="EvalPlus samples.jsonl, or CRUXEval generations.json")],
    out: Annotated[Path, typer.Option(help="where the verdict rows go, as JSON lines")],
    data: Annotated[Path | None, typer.Option(help="folder with the benchmark's file; without it, the public one")] = None,
    any_version: Annotated[bool, typer.Option(help="accept a benchmark file that is no known release")] = False,
    partial: Annotated[bool, typer.Option(help="exit 0 even if problems of the benchmark have no sample")] = False,
    workers: Annotated[int, typer.Option(help="sandboxes; 0 means one per core")] = 0,
) -> None:
    """Grade a samples file: one verdict row per sample into --out, pass@1 (official and strict) as JSON on stdout."""
    from ray_app.evaluation import command

    try:
        graded = command.grade_file(benchmark, samples, out, data, any_version=any_version, workers=workers)
    except SemrayError as error:
        typer.echo(f"semray grade: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(command.as_json(graded.report))
    for warning in graded.warnings:
        typer.echo(f"semray grade: {warning}", err=True)
    if graded.incomplete and not partial:
        typer.echo("semray grade: pass --partial if a part of the benchmark is what you want", err=True)
        raise typer.Exit(1)
