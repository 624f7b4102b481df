"""The tools as an assistant uses them: the official client, over standard input and output of a real process."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

anyio = pytest.importorskip("anyio")
pytest.importorskip("mcp", reason='needs pip install "semray[mcp]"')

from mcp import Client, StdioServerParameters, stdio_client  # noqa: E402

CODE = "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"
START = "from ray_app.cli import app; app()"


def ask(*questions: tuple[str, dict[str, Any]]) -> list[tuple[bool, str]]:
    """(whether it is an error, text) of each answer, from one server."""

    async def session() -> list[tuple[bool, str]]:
        command = StdioServerParameters(command=sys.executable, args=["-c", START, "mcp"], env=dict(os.environ))
        async with Client(stdio_client(command)) as client:
            answers = [await client.call_tool(name, arguments) for name, arguments in questions]
            return [(bool(answer.is_error), answer.content[0].text) for answer in answers]

    return anyio.run(session)


def about(call: str, code: str = CODE, **more: Any) -> dict[str, Any]:
    return {"code": code, "call": call, **more}


def test_tools_answer_about_a_run() -> None:
    answers = ask(
        ("trace", about("f([3, 4])")),
        ("why", about("f([3, 4])", variable="total", line=5)),
        ("step", about("f([3, 4])", number=0, move="over")),
        ("evaluate", about("f([3, 4])", number=3, expression="total + sum(xs)")),
        ("verify", about("f([3, 4])", explanation="total starts at 0. f returns 7.")),
        ("verify", about("f([3, 4])", explanation="On line 2, total is set to 1. f returns 7.")),
    )
    assert not any(failed for failed, _ in answers)
    texts = [text for _, text in answers]
    assert texts[0].startswith("f([3, 4]) gives 7\n")
    assert "L4  total += x" in texts[0]
    assert texts[1].startswith("total is 7: assigned by [")
    assert "variables before: xs = [3, 4], total = 0" in texts[2]
    assert texts[3] == "7"
    assert '"verdict": "true"' in texts[4]
    assert '"accepted": false' in texts[5]
    assert "total is 0" in texts[5]


def test_tools_say_what_is_wrong_with_a_question() -> None:
    answers = ask(
        ("trace", about("f(")),
        ("trace", about("g(1)")),
        ("why", about("f([1])", variable="y", line=5)),
        ("step", about("f([1])", number=99)),
        ("evaluate", about("f([1])", number=0, expression="x = 1")),
        ("trace", about("f([1])", count=0)),
    )
    assert all(failed for failed, _ in answers)
    for (_, text), said in zip(
        answers,
        ["no record", "NameError", "bound are: xs, total, x", "steps 0 to", "cannot be asked", "count"],
        strict=True,
    ):
        assert said in text
        assert "Traceback" not in text


def test_programs_run_in_the_sandbox_and_endless_ones_are_shown_as_far_as_they_went(tmp_path: Path) -> None:
    secret, written = tmp_path / "secret", tmp_path / "written"
    secret.write_text("hidden words")
    reads = f"def f():\n    return open({str(secret)!r}).read()\n"
    writes = f"def f():\n    with open({str(written)!r}, 'w') as out:\n        out.write('x')\n    return 1\n"
    calls = "def f():\n    import socket\n    return socket.create_connection(('127.0.0.1', 9))\n"
    endless = "def f():\n    n = 0\n    while True:\n        n += 1\n"
    answers = ask(*[("trace", about("f()", code, count=20)) for code in (reads, writes, calls, endless)])
    assert not any("hidden words" in text for _, text in answers)
    assert not written.exists()
    assert "did not end within the budget" in answers[3][1]
    assert "n = 1" in answers[3][1]
