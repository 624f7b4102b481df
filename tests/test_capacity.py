from pathlib import Path

import pytest
from typer.testing import CliRunner

from ray_app.capacity import Nodes, Training, needs, nodes_for, table
from ray_app.cli import app
from ray_app.errors import InputError
from ray_app.records import Sample, Seed
from ray_app.stages import STAGES
from ray_app.store import Dataset, Ledger, Plan


@pytest.fixture
def run(tmp_path: Path) -> str:
    """100 programs take 36 s in one process, their executions 360 s on any number; 50 samples of 320 characters."""
    sample = Sample("1", "output", "p" * 200, "r" * 120, "1", 1, "train")
    for name, kind, rows, ledger, cut in (
        ("programs", Seed, [], Ledger(200, 100, cpu_s=36), {"rows_per_shard": None}),
        ("executions", Seed, [], Ledger(100, 80, cpu_s=360, usd=2), {"rows_per_shard": 8}),
        ("samples", Sample, [sample], Ledger(80, 50, cpu_s=0), {}),
    ):
        dataset = Dataset(str(tmp_path), name)
        dataset.begin(Plan(cut, {}, {}))
        dataset.write_shard(0, kind, rows, [], ledger)
        dataset.finish()
    return str(tmp_path)


def test_needs_scale_with_the_rows_and_know_what_runs_alone(run):
    programs, executions, samples = needs(run, 50_000)
    assert (programs.rows_in, programs.rows_out, executions.rows_in, samples.rows_out) == (
        200_000,
        100_000,
        100_000,
        50_000,
    )
    assert programs.cpu_hours == pytest.approx(10)
    assert executions.cpu_hours == pytest.approx(100)
    assert executions.usd == pytest.approx(2000)
    assert (programs.alone, executions.alone, samples.alone) == (True, False, False)
    assert samples.stored_bytes == 1000 * (Path(run) / "samples" / "shard-00000.parquet").stat().st_size


def test_needs_cover_every_stage_that_costs_more_with_more_rows(tmp_path):
    for name in STAGES:
        dataset = Dataset(str(tmp_path), name)
        dataset.begin(Plan({}, {}, {}))
        dataset.write_shard(0, Seed, [], [], Ledger(100, 50, cpu_s=36))
        dataset.finish()
    planned = [need.stage for need in needs(str(tmp_path), 1_000)]
    assert planned == [name for name in STAGES if name != "training" and not name.endswith(("-base", "-tuned"))]
    assert {"repairs", "samples-repair", "pyx-r"} <= set(planned)


def test_hours_divide_only_what_can_be_divided(run):
    programs, executions, _ = needs(run, 50_000)
    nodes = Nodes(count=5, cores=10, usd_per_hour=1, use=1)
    assert programs.hours(nodes) == pytest.approx(10)
    assert executions.hours(nodes) == pytest.approx(2)
    assert "5 nodes of 10 cores: 12.0 hours, 60 USD" in table(run, 50_000, nodes, None)


def test_nodes_for_gives_the_fewest_that_are_in_time(run):
    found, nodes = needs(run, 50_000), Nodes(count=0, cores=10, usd_per_hour=1, use=1)
    assert nodes_for(found, nodes, 12) == 5
    with pytest.raises(InputError, match=r"in one process take 10\.0 h, most of it programs"):
        nodes_for(found, nodes, 9)


def test_training_hours_follow_from_operations():
    training = Training(6.7e9, epochs=2, gpus=8, peak_tflops=155, mfu=0.35, usd_per_hour=30)
    assert training.hours(100e6) == pytest.approx(6 * 6.7e9 * 2e8 / (8 * 155e12 * 0.35) / 3600)
    assert training.bytes_per_gpu == pytest.approx(13.4e9)


def test_plan_command_prints_the_table_and_teaches(run):
    done = CliRunner().invoke(app, ["plan", "--rows", "50000", "--root", run, "--nodes", "0", "--hours", "20"])
    assert done.exit_code == 0, done.output
    assert "50,000 samples" in done.output
    assert "programs*" in done.output
    assert "training 6.7 B weights on 5 M tokens, 2 epochs" in done.output
    taught = CliRunner().invoke(app, ["plan", "--help"]).output
    assert "from what a small one has cost" in " ".join(taught.split())


def test_plan_command_without_a_run_says_how_to_get_one(tmp_path):
    done = CliRunner().invoke(app, ["plan", "--rows", "5", "--root", str(tmp_path)])
    assert done.exit_code == 1
    assert "holds no samples to plan from; make a small run first, such as `make demo`" in done.output
