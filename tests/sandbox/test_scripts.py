"""Whole programs beside `python main.py`: the same standard output, exit code and standard error."""

import re
import subprocess
import sys

import pytest

from ray_app.sandbox.api import Sandbox
from ray_app.sandbox.batch import Job, Result
from ray_app.sandbox.limits import Limits
from ray_app.sandbox.scripts import Script, read
from tests.sandbox.script_programs import PROGRAMS, Program

EXPECTED = {
    "import_missing": {"denied:import not_a_module"},
    "import_missing_caught": {"denied:import not_a_module"},
    "shelve_like": {"denied:openat"},
}
"""What is refused in passing: SQLite looks for a source of randomness."""
LIMITS = Limits(cpu_s=10.0, wall_s=60.0, stdout_chars=1 << 20)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def ran(sandbox) -> dict[str, Result]:
    jobs = [Job(p.code, (Script(p.stdin, p.arguments).call,), LIMITS, trace=False) for p in PROGRAMS]
    return {p.name: results[0] for p, results in zip(PROGRAMS, sandbox.results_of(jobs), strict=True)}


def plain(program: Program, folder) -> tuple[str, int, str]:
    (folder / "main.py").write_text(program.code)
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-E", "-s", "main.py", *program.arguments],
        input=program.stdin.encode(),
        capture_output=True,
        timeout=60,
        cwd=folder,
        check=False,
    )
    stdout, stderr = (text.decode().replace(f"{folder}/", "") for text in (done.stdout, done.stderr))
    return stdout, done.returncode, stderr


def without_library_frames(stderr: str) -> list[str]:
    """A traceback less the frames of the standard library, whose lines the sandbox has no files to quote from."""
    kept: list[str] = []
    skipping = False
    for line in stderr.splitlines():
        if re.match(r'\s*(\| )?\s*File "', line):
            skipping = "main.py" not in line
        elif not line.startswith("    "):
            skipping = False
        if not skipping:
            kept.append(re.sub(r"0x[0-9a-f]+|in \d+\.\d+s", "_", line))
    return kept


def test_there_are_200_programs():
    assert len(PROGRAMS) >= 200
    assert len({program.name for program in PROGRAMS}) == len({program.code for program in PROGRAMS}) == len(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_whole_programs_run_as_python_runs_them(program, ran, tmp_path):
    stdout, code, stderr = plain(program, tmp_path)
    result = ran[program.name]
    assert result.stdout == stdout
    assert result.output == str(code % 256)
    assert without_library_frames(result.ending.stderr) == without_library_frames(stderr)
    assert set(result.flags) <= EXPECTED.get(program.name, set())


@pytest.mark.parametrize(
    "script",
    [
        Script(),
        Script("3 4\n", ("-v", "it's")),
        Script(b"\xff\0", (), {"a.txt": "x", "b": b"\1"}, ("a.txt",), 2.5),
    ],
)
def test_a_run_reads_back_from_the_call_that_stands_for_it(script):
    assert read(script.call) == script


@pytest.mark.parametrize(
    "call", ["f(1)", "__main__", "__main__(1)", "__main__('', x)", "__main__('', other=1)", "__main__('', files=[1])"]
)
def test_other_calls_are_no_runs(call):
    assert read(call) is None
