"""`semray`: thin commands over the rooms. Each prints what a user asked for; errors are one line on stderr, exit 1."""

from pathlib import Path
from typing import Annotated

import typer

from ray_app import __version__
from ray_app.errors import SemrayError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"semray {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and leave")
    ] = False,
) -> None:
    """Teach code models what programs do when they run."""


@app.command()
def grade(
    benchmark: Annotated[
        str,
        typer.Option(
            help="humaneval[_plus], mbpp[_plus], cruxeval_input, cruxeval_output, cruxeval_x, lcb_execution, "
            "lcb_generation, apps, reval, core_io, core_qa"
        ),
    ],
    samples: Annotated[
        Path, typer.Option(help="samples.jsonl (EvalPlus), generations.json (CRUXEval), or LiveCodeBench's code_list")
    ],
    out: Annotated[Path, typer.Option(help="where the verdict rows go, as JSON lines")],
    data: Annotated[
        Path | None, typer.Option(help="folder with the benchmark's file; without it, the public one")
    ] = None,
    any_version: Annotated[bool, typer.Option(help="accept a benchmark file that is no known release")] = False,
    partial: Annotated[bool, typer.Option(help="exit 0 even if problems of the benchmark have no sample")] = False,
    window: Annotated[str, typer.Option(help="of LiveCodeBench, such as 2024-08-01..2025-02-01")] = "",
    workers: Annotated[int, typer.Option(help="sandboxes; 0 means one per core")] = 0,
    official: Annotated[
        Path | None, typer.Option(help="folder for the results as EvalPlus and CRUXEval write them")
    ] = None,
) -> None:
    """Grade a samples file: one verdict row per sample into --out, pass@1 (official and strict) as JSON on stdout."""
    from ray_app.evaluation import command

    try:
        graded = command.grade_file(
            benchmark, samples, out, data, any_version=any_version, workers=workers, official=official, window=window
        )
    except SemrayError as error:
        typer.echo(f"semray grade: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(command.as_json(graded.report))
    for warning in graded.warnings:
        typer.echo(f"semray grade: {warning}", err=True)
    if graded.incomplete and not partial:
        typer.echo("semray grade: pass --partial if a part of the benchmark is what you want", err=True)
        raise typer.Exit(1)


@app.command()
def compare(
    left: Annotated[Path, typer.Argument(help="verdicts that `semray grade` wrote")],
    right: Annotated[Path, typer.Argument(help="verdicts of another run on the same benchmark")],
) -> None:
    """Compare two runs problem by problem, as JSON: pass@1 of both, paired difference, p-value, wins and losses."""
    from ray_app.evaluation import command

    try:
        typer.echo(command.as_json(command.compare_files(left, right)))
    except SemrayError as error:
        typer.echo(f"semray compare: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def verify(
    rows: Annotated[
        Path,
        typer.Argument(
            help="rows of JSON (code, call, monologue; perhaps id, output, direction) or a text; - is stdin"
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="where the verdicts on rows go, as JSON lines; else stdout")] = None,
    program: Annotated[Path | None, typer.Option(help="the Python file that a plain text is about")] = None,
    call: Annotated[str, typer.Option(help='the call that a plain text explains, such as "f(3)"')] = "",
    direction: Annotated[str, typer.Option(help="of a plain text: forward or backward")] = "forward",
    explain: Annotated[bool, typer.Option("--explain", help="every sentence in its colour, with its evidence")] = False,
    edit: Annotated[
        bool,
        typer.Option("--edit", help="write the text with what is false put right or cut (rows: beside the verdict)"),
    ] = False,
    cut_unchecked: Annotated[
        bool, typer.Option("--cut-unchecked", help="with --edit: cut what is not checked")
    ] = False,
) -> None:
    """Check every claim of an explanation against a fresh record: accepted or not, why, and each claim's evidence."""
    from ray_app.verification import command

    if (program is None) != (not call):
        typer.echo("semray verify: a plain text needs both --program and --call", err=True)
        raise typer.Exit(2)
    unchecked = ("cut" if cut_unchecked else "keep") if edit else None
    try:
        if program is not None:
            found = command.verify_program(rows, program, call, direction, is_explained=explain, edit=unchecked)
            if edit and found.text:
                typer.echo(found.text, nl=not found.text.endswith("\n"))
            typer.echo(found.report, err=edit)
            raise typer.Exit(0 if found.is_good else 1)
        if explain:
            for report in command.explain_file(rows):
                typer.echo(report)
            return
        accepted, total = command.verify_file(rows, out, unchecked)
    except SemrayError as error:
        typer.echo(f"semray verify: {error}", err=True)
        raise typer.Exit(1) from error
    where = f"; verdicts in {out}" if out else ""
    typer.echo(f"{accepted} of {total} monologues accepted{where}", err=out is None)


@app.command()
def narrate(
    program: Annotated[Path, typer.Argument(help="a Python file")],
    call: Annotated[str, typer.Option(help='a call of one of its functions, such as "f(3)"')],
    direction: Annotated[
        str, typer.Option(help="forward (what happens) or backward (what the input must be)")
    ] = "forward",
    style: Annotated[str, typer.Option(help="prose, or states: a compact line per step")] = "prose",
    detail: Annotated[int, typer.Option(help="at most so many operations between two stated values: 1, 2 or 3")] = 1,
    seed: Annotated[int, typer.Option(help="chooses between equally good wordings")] = 0,
    max_tokens: Annotated[int, typer.Option(help="estimated length to stay below")] = 1024,
) -> None:
    """Tell what a call does, or what its arguments must be, in words that are all verified."""
    from ray_app.monologue import command

    try:
        text = command.narrate_file(program, call, command.Telling(direction, style, detail, seed, max_tokens))
    except SemrayError as error:
        typer.echo(f"semray narrate: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(text, nl=False)


@app.command()
def trace(
    program: Annotated[Path, typer.Argument(help="a Python file")],
    call: Annotated[
        str, typer.Option(help='an expression evaluated in a run of the file, such as "f(3)"; without it, the program')
    ] = "",
    stdin: Annotated[str, typer.Option(help="without --call: what the program reads")] = "",
    form: Annotated[
        str, typer.Option("--format", help="record, json, scratchpad, next, concise, cwm or monologue")
    ] = "record",
) -> None:
    """Run one call, or the whole program, in the sandbox and print what happened, step by step."""
    from ray_app.monologue import command as monologue
    from ray_app.sandbox import command
    from ray_app.sandbox.scripts import Script
    from ray_app.semantics.command import record_file

    call, ended = call or Script(stdin).call, ""
    try:
        if form == "record":
            text = record_file(program, call)
        elif form == "monologue":
            text = monologue.narrate_file(program, call, monologue.Telling(max_tokens=100_000))
        else:
            text, ended = command.trace_file(program, call, form)
    except SemrayError as error:
        typer.echo(f"semray trace: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(text)
    if ended:
        typer.echo(f"semray trace: {call} did not end: {ended}", err=True)
        raise typer.Exit(1)


@app.command()
def execute(
    source: Annotated[
        Path, typer.Argument(help='JSON lines: {"id", "code", "calls": ["f(1)", ...]}; "stdin" for whole programs')
    ],
    out: Annotated[Path, typer.Option(help="where the results go, a JSON line per program, in the same order")],
    no_trace: Annotated[bool, typer.Option("--no-trace", help="only results")] = False,
    lane: Annotated[str, typer.Option(help="safe: a process per program; fast: simple programs share one")] = "safe",
    twice: Annotated[bool, typer.Option(help="run everything twice and flag what differs")] = False,
    require_layers: Annotated[str, typer.Option(help="sandbox layers to insist on, comma-separated, or all")] = "",
) -> None:
    """Run programs that nobody trusts; whatever they do, every call gets its row."""
    from ray_app.sandbox import command

    if lane not in ("safe", "fast"):
        typer.echo(f"semray execute: --lane {lane}: use safe or fast", err=True)
        raise typer.Exit(1)
    try:
        programs, calls, succeeded = command.execute_file(
            source,
            out,
            trace=not no_trace,
            lane="fast" if lane == "fast" else "safe",
            twice=twice,
            require_layers=[name for name in require_layers.split(",") if name],
        )
    except SemrayError as error:
        typer.echo(f"semray execute: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{programs} programs, {calls} calls, {succeeded} ok; results in {out}")


@app.command()
def doctor(
    root: Annotated[Path, typer.Option(help="where a run would be written")] = Path("runs"),
    require_layers: Annotated[str, typer.Option(help="sandbox layers to insist on, comma-separated, or all")] = "",
) -> None:
    """Say what works on this machine and what does not, with the remedy; exit 1 if the main job cannot run."""
    from ray_app import doctor

    try:
        text, healthy = doctor.report(root, [name for name in require_layers.split(",") if name])
    except SemrayError as error:
        typer.echo(f"semray doctor: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(text)
    if not healthy:
        raise typer.Exit(1)


@app.command()
def plan(
    rows: Annotated[int, typer.Option(help="training samples wanted", min=1)],
    root: Annotated[str, typer.Option(help="a run whose costs are known, such as that of `make demo`")] = "runs/demo",
    nodes: Annotated[int, typer.Option(help="CPU machines; 0: as many as --hours asks for")] = 40,
    hours: Annotated[float, typer.Option(help="with --nodes 0: when the data must be complete")] = 24.0,
    cores: Annotated[int, typer.Option(help="cores of a CPU machine (c7i.8xlarge: 32)")] = 32,
    usd: Annotated[float, typer.Option("--usd-per-hour", help="price of a CPU machine")] = 0.6,
    parameters: Annotated[float, typer.Option(help="weights of the model to fine-tune in billions; 0: none")] = 6.7,
    epochs: Annotated[float, typer.Option(help="passes over the samples")] = 2.0,
    gpus: Annotated[int, typer.Option(help="GPUs that train together")] = 8,
    peak_tflops: Annotated[float, typer.Option(help="dense bf16 peak of one GPU (A6000: 155, L40S: 362)")] = 155.0,
    mfu: Annotated[float, typer.Option(help="share of the peak that training reaches")] = 0.35,
    gpu_usd: Annotated[float, typer.Option("--gpu-usd-per-hour", help="price of all GPUs together")] = 30.0,
) -> None:
    """What a large run will take: nodes, hours, bytes and money, from what a small one has cost.

    Run the small one with the recipe and on the kind of machine that the large one shall use: the costs per row are
    its. Prices and the share of peak are yours to give; the defaults are orders of magnitude.

    semray plan --rows 10000000 --root runs/demo

    semray plan --rows 10000000 --nodes 0 --hours 12 --cores 64 --usd-per-hour 1.2
    """
    from dataclasses import replace

    from ray_app import capacity

    try:
        machines = capacity.Nodes(nodes, cores, usd)
        if not nodes:
            machines = replace(machines, count=capacity.nodes_for(capacity.needs(root, rows), machines, hours))
        training = capacity.Training(parameters * 1e9, epochs, gpus, peak_tflops, mfu, gpu_usd) if parameters else None
        typer.echo(capacity.table(root, rows, machines, training))
    except SemrayError as error:
        typer.echo(f"semray plan: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def inspect(
    root: Annotated[str, typer.Argument(help="where a run put its shards: a path or URI")],
    port: Annotated[int, typer.Option(help="on 127.0.0.1; 0: any free one")] = 0,
) -> None:
    """Look at any row of a run in a browser: search, filter, step through traces, see claims with their evidence."""
    from ray_app.report.inspector import Inspector

    try:
        with Inspector(root, port) as inspector:
            typer.echo(f"{inspector.url} shows {root}; Ctrl-C ends it")
            inspector.serve_forever()
    except KeyboardInterrupt:
        typer.echo("ended")
    except SemrayError as error:
        typer.echo(f"semray inspect: {error}", err=True)
        raise typer.Exit(1) from error


@app.command()
def mcp() -> None:
    """Serve trace, step, why, evaluate and verify to an assistant: Model Context Protocol on standard input and output.

    Install it with `pip install "semray[mcp]"`, and give the assistant the command `semray mcp`.
    """
    try:
        from ray_app.debugging.server import server
    except ImportError as error:
        typer.echo(f'semray mcp: {error}; pip install "semray[mcp]"', err=True)
        raise typer.Exit(1) from error
    server().run("stdio")
