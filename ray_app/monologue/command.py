"""What the commands `semray verify` and `semray narrate` do, apart from their options and exit codes."""

import ast
import json
from pathlib import Path

from ray_app.errors import InputError
from ray_app.monologue.narrate import backward, forward
from ray_app.monologue.rows import entry_of, verify_lines
from ray_app.monologue.source import read
from ray_app.monologue.verify import unfit
from ray_app.sandbox.api import execute


def verify_file(source: Path, out: Path) -> tuple[int, int]:
    """(accepted, all) rows of `source`, their verdicts written to `out` in order. InputError if either cannot
    be opened.
    """
    accepted = rows = 0
    try:
        with source.open(encoding="utf-8") as lines, out.open("w", encoding="utf-8") as written:
            for verdict in verify_lines(lines):
                written.write(json.dumps(verdict, ensure_ascii=False) + "\n")
                rows += 1
                accepted += verdict["accepted"]
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8 text") from error
    return accepted, rows


def narrate_file(path: Path, call: str, direction: str, seed: int, max_tokens: int) -> str:
    """The monologue about one call of the program in a file. InputError where there is nothing to narrate."""
    if direction not in ("forward", "backward"):
        raise InputError(f"--direction {direction}: use forward or backward")
    try:
        code = path.read_text(encoding="utf-8")
        read(code)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text") from error
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path}: {error}") from error
    entry = entry_of(call)
    if not _is_call(call) or entry not in read(code).functions:
        raise InputError(f"--call {call}: not a call of a function defined in {path}")
    execution = execute(code, [call])[0]
    reason = unfit(code, execution, raising=direction == "forward")
    if reason:
        shown = f" ({execution.exception})" if execution.exception else ""
        raise InputError(f"--call {call}: {reason}{shown}")
    if direction == "forward":
        return forward(code, entry, execution, seed=seed, max_tokens=max_tokens)
    text, _ = backward(code, entry, execution, seed=seed, max_tokens=max_tokens)
    if not text:
        raise InputError(f"--call {call}: no constraint on its arguments was found that says something")
    return text


def _is_call(call: str) -> bool:
    try:
        return isinstance(ast.parse(call, mode="eval").body, ast.Call)
    except (SyntaxError, ValueError):
        return False
