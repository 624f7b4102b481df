"""/run_code with the real sandbox, in SandboxFusion's form."""

import base64
from typing import Any

import pytest

from ray_app.sandbox.api import run
from ray_app.serving.openai_api import ApiError
from ray_app.serving.run_code import STDOUT_CHARS, run_code


def asked(code: str, **more: Any) -> dict[str, Any]:
    return run_code({"code": code, "language": "python", "run_timeout": 1, **more}, run)


@pytest.mark.parametrize(
    ("code", "stdin", "return_code", "stdout"),
    [
        ("print('hello')", "", 0, "hello\n"),
        ("a, b = map(int, input().split())\nprint(a + b)", "3 4\n", 0, "7\n"),
        ("if __name__ == '__main__':\n    print('main')", "", 0, "main\n"),
        ("import sys\nprint(sys.stdin.read())\nsys.exit(0)", "x", 0, "x\n"),
        ("import sys\nprint(sys.stdin.buffer.read())", "é", 0, "b'\\xc3\\xa9'\n"),
        ("import sys\nsys.exit(3)", "", 3, ""),
        ("import sys\nsys.exit('no')", "", 1, ""),
        ("print('before')\n1 / 0", "", 1, "before\n"),
        ("def broken(:", "", 1, ""),
        ("import os\nos._exit(4)", "", 4, ""),
    ],
)
def test_run_code_answers_as_sandbox_fusion_does(code: str, stdin: str, return_code: int, stdout: str) -> None:
    answer = asked(code, stdin=stdin)
    ran = answer["run_result"]
    assert answer["status"] == ("Success" if return_code == 0 else "Failed")
    assert (ran["status"], ran["return_code"], ran["stdout"]) == ("Finished", return_code, stdout)
    assert answer["compile_result"] is None
    assert answer["files"] == {}


@pytest.mark.parametrize(
    "code", ["while True: pass", "import time\ntime.sleep(5)", "import time\nwhile 1: time.sleep(.1)"]
)
def test_run_code_who_takes_too_long_or_sleeps_too_long_has_exceeded_its_time(code: str) -> None:
    answer = asked(code)
    assert answer["status"] == "Failed"
    assert answer["run_result"]["status"] == "TimeLimitExceeded"
    assert answer["run_result"]["return_code"] is None
    assert answer["run_result"]["execution_time"] >= 1


def test_run_code_sleeping_within_the_limit_is_shown_in_the_time() -> None:
    answer = asked("import time\nbegun = time.monotonic()\ntime.sleep(0.5)\nprint(time.monotonic() - begun >= 0.5)")
    assert answer["run_result"]["stdout"] == "True\n"
    assert answer["run_result"]["execution_time"] >= 0.5


def test_run_code_standard_error_holds_the_traceback_as_python_prints_it() -> None:
    stderr = asked("import sys\nprint('warned', file=sys.stderr)\ndef f(x):\n    return 1 / x\nf(0)")["run_result"][
        "stderr"
    ]
    assert stderr == (
        "warned\nTraceback (most recent call last):\n"
        '  File "main.py", line 5, in <module>\n    f(0)\n'
        '  File "main.py", line 4, in f\n    return 1 / x\n           ~~^~~\n'
        "ZeroDivisionError: division by zero\n"
    )


def test_run_code_files_go_in_and_out() -> None:
    code = "import helper\nopen('out.bin', 'wb').write(open('in.txt', 'rb').read() * helper.TIMES)"
    files = {"in.txt": base64.b64encode(b"ab\n").decode(), "helper.py": base64.b64encode(b"TIMES = 2").decode()}
    answer = asked(code, files=files, fetch_files=["out.bin", "missing"])
    assert answer["status"] == "Success", answer
    assert {path: base64.b64decode(data) for path, data in answer["files"].items()} == {"out.bin": b"ab\nab\n"}


def test_run_code_says_that_output_was_cut() -> None:
    answer = asked(f"print('a' * {STDOUT_CHARS + 5})")
    assert len(answer["run_result"]["stdout"]) == STDOUT_CHARS
    assert "cut" in answer["message"]


@pytest.mark.parametrize(
    ("code", "what"),
    [("import os\nos.system('ls')", "processes"), ("import socket\nsocket.socket()", "sockets")],
)
def test_run_code_what_is_refused_fails_audibly(code: str, what: str) -> None:
    answer = asked(code)
    assert answer["status"] == "Failed"
    assert answer["message"] == f"the sandbox refuses {what}"
    assert "PermissionError" in answer["run_result"]["stderr"]


@pytest.mark.parametrize("language", ["cpp", "nodejs", "bash", "java"])
def test_run_code_other_languages_are_refused(language: str) -> None:
    answer = asked("print(1)", language=language)
    assert answer["status"] == "SandboxError"
    assert "not supported" in answer["message"]
    assert answer["run_result"] is None


def test_run_code_a_file_that_is_not_in_base64_is_named() -> None:
    with pytest.raises(ApiError, match="is not in base64"):
        asked("print(1)", files={"in.txt": "***"})
