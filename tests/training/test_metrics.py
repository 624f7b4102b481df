"""What a run reports arrives in every sink, and a torn file is read as far as it goes."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ray_app.errors import InputError
from ray_app.training import metrics
from ray_app.training.config import Sink, TrainConfig

Make = Callable[..., TrainConfig]
ROWS: list[metrics.Row] = [
    {"step": 0, "kind": "eval", "loss": 3.0, "loss/forward": 3.0},
    {"step": 1, "kind": "train", "loss": 2.5, "tokens_per_s": 100.0},
    {"step": 2, "kind": "train", "loss": 2.0, "tokens_per_s": 120.0},
]


def test_metrics_read_ignores_a_torn_last_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text(json.dumps({"step": 1}) + '\n{"step": 2, "lo')
    assert metrics.read(path) == [{"step": 1}]


@pytest.mark.parametrize("sink", ["wandb", "mlflow"])
def test_sinks_that_are_not_installed_name_the_package(make_config: Make, tmp_path: Path, sink: Sink) -> None:
    if importlib.util.find_spec(sink) is not None:
        pytest.skip(f"{sink} is installed")
    with pytest.raises(InputError, match=f"pip install {sink}"):
        metrics.sinks(make_config(report_to=(sink,)), str(tmp_path))


def test_tensorboard_gets_every_number(make_config: Make, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (sink,) = metrics.sinks(make_config(report_to=("tensorboard",)), str(tmp_path))
    for row in ROWS:
        sink.add(row)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("train/loss")] == [(1, 2.5), (2, 2.0)]
    assert [(event.step, event.value) for event in events.Scalars("eval/loss/forward")] == [(0, 3.0)]


def test_mlflow_gets_every_number_and_a_resumed_run_goes_on(
    make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(f"file:{tmp_path / 'mlruns'}")
    for rows in (ROWS[:2], ROWS[2:]):
        (sink,) = metrics.sinks(make_config(report_to=("mlflow",)), str(tmp_path / "logs"))
        for row in rows:
            sink.add(row)
        mlflow.end_run()
    (run,) = mlflow.search_runs(output_format="list")
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "train.loss")
    assert [(point.step, point.value) for point in history] == [(1, 2.5), (2, 2.0)]
    assert run.data.params["learning_rate"] == "0.001"


def test_wandb_gets_every_number(make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    (sink,) = metrics.sinks(make_config(report_to=("wandb",)), str(tmp_path))
    for row in ROWS:
        sink.add(row)
    assert wandb.run.summary["train/loss"] == 2.0
    assert wandb.run.config["learning_rate"] == 1e-3
    wandb.finish()
    assert list(tmp_path.glob("wandb/offline-run-*/run-*.wandb"))
