"""A cluster of several machines that share one folder and nothing else: `make test-cluster`, as root.

The head does no work, two machines do, and a desk outside submits jobs and asks the endpoint. Machines that do work
have a model in a cache of their own; head and desk have none, and nobody reaches the internet. So whatever is handed to
another machine must be a name or an address that holds there.
"""

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ray_app.records import Sample, Score
from ray_app.stages import MADE_SAMPLES
from ray_app.store import Dataset, Ledger, Plan
from tests.cluster.machines import SHARED, reason_against
from tests.cluster.site import MODEL, PATIENCE_S, PROJECT, Site, pipeline, said, site, start_worker
from tests.processes import wait_for
from tests.training.training_kit import build_samples

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(bool(reason_against()), reason=f"machines cannot be made here: {reason_against()}"),
]
STAGES = ("asked", "mined", "grown", "programs", "executions", "monologues", "repairs", "samples", "samples-repair")
GIVEN_UP_S = 120.0
"""within which the cluster must have noticed that a machine is not there"""
STEPS = 60


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("site"), spares=("spare",)) as running:
        yield running


@pytest.fixture(scope="module")
def finished(cluster: Site) -> Path:
    """The root of a run that a job made on all machines, from programs to the report; seen from outside."""
    done = cluster.job(*pipeline("run_all", "run"))
    assert done.returncode == 0, said(done)
    return cluster.shared / "run"


def rows(root: Path) -> dict[str, bytes]:
    """Every row and every refused row of a root, as stored."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.parquet"))}


def test_run_all_ends_with_a_report_and_scores_of_both_models(finished: Path) -> None:
    assert (finished / "report" / "report.html").stat().st_size > 10_000
    for name in ("base", "tuned"):
        scores = list(Dataset(str(finished), f"scores-{name}").read(Score))
        assert len(scores) == 5
        assert all(score.status != "no reply" for score in scores)
    assert (finished / "model" / "model.safetensors").is_file()


def test_run_all_gives_the_bytes_of_one_machine(cluster: Site, finished: Path) -> None:
    """On a third machine, with its own Ray and its own disk."""
    there = cluster.machines["one"]
    command = ["python", "-m", "cluster.local", "--num-cpus", "2", "--"]
    whole = ["python", "-m", "pipelines.run_all", "--recipe", "smoke", "--root", "/tmp/alone"]
    done = there.run([*command, *whole], cluster.environment, 1800, folder=str(PROJECT))
    assert done.returncode == 0, said(done)
    alone, together = rows(there.folder / "alone"), rows(finished)
    assert together.keys() == alone.keys()
    assert [name for name in alone if alone[name] != together[name]] == []
    assert {name.split("/")[0] for name in together} >= set(STAGES)


def test_no_path_and_no_address_of_one_machine_is_in_what_the_run_left_behind(finished: Path) -> None:
    for path in finished.rglob("*.json"):
        text = path.read_text()
        assert "127.0.0.1" not in text, path
        assert "/home/.cache" not in text, path
    plan = json.loads((finished / "training" / "plan.json").read_text())
    assert plan["config"]["model"] == MODEL


def test_serve_deploy_answers_another_machine_that_has_the_key(cluster: Site) -> None:
    """cluster/serve.yaml with the two changes that its first lines name."""
    config = yaml.safe_load((PROJECT / "cluster" / "serve.yaml").read_text())
    config["http_options"]["host"] = "0.0.0.0"
    config["applications"][0]["args"] |= {"models": {"base": MODEL}, "api_key": "a-secret"}
    (cluster.shared / "serve.yaml").write_text(yaml.safe_dump(config))
    deploy = ["serve", "deploy", "--address", "http://head:8265", f"{SHARED}/serve.yaml"]
    done = cluster.machines["desk"].run(deploy, cluster.environment)
    assert done.returncode == 0, said(done)
    ask = """
import json, sys, time, urllib.error, urllib.request
def ask(path, body=None, key="a-secret"):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://head:8000{path}", data, {"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None
    except OSError:
        return 0, None
until = time.monotonic() + 240
while ask("/ready")[0] != 200 and time.monotonic() < until:
    time.sleep(1)
chat = {"model": "base", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
trace = {"code": "def f(x):\\n    return x + 1\\n", "call": "f(1)"}
chatted, refused = ask("/v1/chat/completions", chat), ask("/v1/chat/completions", chat, "wrong")
print(json.dumps([chatted, refused[0], ask("/v1/trace", trace)]))
"""
    chatted, refused, traced = cluster.script("desk", ask)
    assert chatted[0] == 200, chatted
    assert chatted[1]["usage"]["completion_tokens"] > 0
    assert refused == 401
    assert traced[0] == 200, traced
    try:
        listed = cluster.machines["desk"].run(["serve", "status", "--address", "http://head:8265"], cluster.environment)
        assert "RUNNING" in listed.stdout, said(listed)
    finally:
        down = ["serve", "shutdown", "--address", "http://head:8265", "--yes"]
        cluster.machines["desk"].run(down, cluster.environment)


def in_background(cluster: Site, *words: str) -> tuple[threading.Thread, list[subprocess.CompletedProcess[str]]]:
    """A job that was just submitted, and how it ended, once it has."""
    ended: list[subprocess.CompletedProcess[str]] = []
    job = threading.Thread(target=lambda: ended.append(cluster.job(*words, timeout_s=2400)))
    job.start()
    return job, ended


def cut_off_until_it_is_given_up(cluster: Site, name: str) -> None:
    """Without its network for so long that the cluster counts the machine as lost; then it has it back, and joins."""
    cluster.machines[name].cut_off()
    try:
        wait_for(lambda: not cluster.nodes()[name], f"{name} is given up", GIVEN_UP_S)
    finally:
        cluster.machines[name].reconnect()
    wait_for(cluster.all_there, f"{name} joins again", PATIENCE_S)


def test_run_goes_on_where_machines_are_cut_off_in_every_stage(cluster: Site, finished: Path) -> None:
    """Cut off are by turns both machines, each at a moment when work is under way; the bytes stay the same."""
    root = cluster.shared / "disturbed"
    moments = [
        ("two", "grown/plan.json"),
        ("one", "executions/ledger/*.json"),
        ("two", "training/*/step_*/state.json"),
    ]
    job, ended = in_background(cluster, *pipeline("run_all", "disturbed"))
    try:
        for name, mark in moments:
            wait_for(lambda mark=mark: bool(list(root.glob(mark))) or not job.is_alive(), mark, 900)
            assert job.is_alive(), said(ended[0])
            cut_off_until_it_is_given_up(cluster, name)
    finally:
        job.join()
    assert ended[0].returncode == 0, said(ended[0])
    before, after = rows(finished), rows(root)
    assert [name for name in before if not name.startswith("scores") and before[name] != after.get(name)] == []
    assert losses(root) == pytest.approx(losses(finished), rel=1e-4)


def with_samples(root: Path) -> Path:
    """A root as `pipelines.synthesize` leaves it, with samples enough for a minute of training."""
    for name in MADE_SAMPLES:
        samples = build_samples(60, held_out=6) if name == "samples" else []
        dataset = Dataset(str(root), name)
        dataset.write_plan(Plan({}, {}, {}))
        dataset.write_shard(0, Sample, samples, [], Ledger(rows_out=len(samples)))
        dataset.finish()
    return root


def losses(root: Path) -> dict[int, float]:
    (metrics,) = root.glob("training/*/metrics.jsonl")
    found = [json.loads(line) for line in metrics.read_text().splitlines()]
    return {row["step"]: row["loss"] for row in found if row["kind"] == "train"}


def test_training_goes_on_where_a_machine_is_lost_and_another_takes_its_place(cluster: Site) -> None:
    root = with_samples(cluster.shared / "killed")
    numbers = {"max_steps": STEPS, "num_train_epochs": 40, "save_steps": 10, "eval_steps": 1_000, "max_failures": 4}
    settings = [f"train.{name}={value}" for name, value in numbers.items()]
    job, ended = in_background(cluster, *pipeline("train", "killed", *settings))
    try:
        wait_for(lambda: bool(list(root.rglob("step_*/state.json"))) or not job.is_alive(), "a checkpoint", 600)
        assert job.is_alive(), said(ended[0])
        cluster.machines["two"].kill()
        start_worker(cluster.machines["spare"], cluster.machines["head"])
    finally:
        job.join()
    assert ended[0].returncode == 0, said(ended[0])
    assert sorted(losses(root)) == list(range(1, STEPS + 1))
    assert (root / "model" / "model.safetensors").is_file()
    trained_on = set(re.findall(r"ip=([\d.]+)", ended[0].stdout))
    assert {cluster.machines[name].address for name in ("one", "two", "spare")} <= trained_on
