"""Submitting jobs: what is checked and recorded at once; a real cluster with a job that works and one that fails."""

import getpass
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.jobs import absolute_root, metadata
from cluster.local import free_port

PROJECT = Path(__file__).parents[2]
SUBMIT = [sys.executable, "-m", "cluster.submit"]


def submit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SUBMIT, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)


def test_metadata_names_pipeline_recipe_root_user_and_code(tmp_path):
    command = ["python", "-m", "pipelines.train", "--recipe", "demo", "--root", "s3://bucket/run"]
    facts = {"pipeline": "pipelines.train", "recipe": "demo", "root": "s3://bucket/run", "user": getpass.getuser()}
    assert metadata(command, tmp_path) == facts
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    name = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", *name, "-C", str(tmp_path), "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    assert len(metadata(command, tmp_path)["commit"]) >= 7


def test_absolute_root_leaves_uris_and_other_words_alone():
    assert absolute_root(["x", "--root", "s3://b/r", "--set", "a=b"]) == ["x", "--root", "s3://b/r", "--set", "a=b"]
    assert absolute_root(["x", "--root", "runs"])[2] == str(Path.cwd() / "runs")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--", "python", "-m", "pipelines.train", "--root", "runs/one"], "--root 'runs/one' is relative"),
        ([], "give a command after --, or --follow JOB"),
        (["--follow", "raysubmit_1", "--", "true"], "not both"),
    ],
)
def test_submit_bad_arguments_are_one_line_and_exit_1(arguments, message):
    refused = submit(*arguments)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: ")
    assert message in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_submit_without_a_cluster_names_address_and_remedy():
    refused = submit("--address", f"http://127.0.0.1:{free_port()}", "--", "true")
    assert refused.returncode == 1
    assert "error: no Ray answers at http://127.0.0.1:" in refused.stderr
    assert "ray start --head" in refused.stderr
    assert "Traceback" not in refused.stderr


ON_A_CLUSTER = """
import json, subprocess, sys
from cluster.local import head
from cluster.jobs import client

def submit(*arguments):
    command = [sys.executable, "-m", "cluster.submit", "--address", running.dashboard, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    return [done.returncode, done.stdout, done.stderr]

with head(num_cpus=1) as running:
    failed = submit("--", sys.executable, "-m", "pipelines.synthesize", "--recipe", "demo", "--root", sys.argv[1])
    listed = submit("--", sys.executable, "-c", "import os; print(sorted(os.listdir()))")
    (job,) = [job for job in client(running.dashboard).list_jobs() if job.status == "FAILED"]
    again = submit("--follow", job.submission_id)
    print(json.dumps({"failed": failed, "listed": listed, "again": again, "metadata": job.metadata}))
"""


@pytest.mark.slow
def test_submit_failed_job_says_why_and_how_to_resume(tmp_path):
    (tmp_path / "mined" / "ledger").mkdir(parents=True)
    (tmp_path / "mined" / "ledger" / "shard-00000.json").write_text('{"ledger": {}}')
    done = subprocess.run(
        [sys.executable, "-c", ON_A_CLUSTER, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    code, log, said = facts["failed"]
    assert code == 1
    assert f"error: {tmp_path}/mined was made by another version" in log
    resume = f"resume: python -m cluster.submit -- python -m pipelines.synthesize --recipe demo --root {tmp_path}"
    assert resume in log
    assert "ended as FAILED" in said
    assert facts["metadata"]["root"] == str(tmp_path)
    code, log, _ = facts["listed"]
    assert code == 0
    shipped = log.splitlines()[-1]
    assert "'pipelines'" in shipped
    assert "'.git'" not in shipped
    assert "'tests'" not in shipped
    assert facts["again"][0] == 1
    assert resume in facts["again"][1]
