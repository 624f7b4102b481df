"""`semray`: thin commands over the rooms. Each prints what a user asked for; errors are one line on stderr, exit 1."""

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Teach code models what programs do when they run."""
