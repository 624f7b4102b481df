"""A root in object storage: checkpoints and the trained model lie there, and whoever serves the model fetches it."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ray

from pipelines.recipes import smoke
from pipelines.serve import models
from pipelines.train import train
from ray_app.models import resolve
from ray_app.records import Sample
from ray_app.stages import MADE_SAMPLES
from ray_app.store import Dataset, Ledger, Plan, files, open_root, read_file
from ray_app.training.export import content_of
from tests.training.training_kit import build_model, build_samples

server = pytest.importorskip("moto.server", reason="needs moto (pip install '.[dev]')")
boto3 = pytest.importorskip("boto3", reason="needs boto3 (pip install '.[aws]')")
pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A root in a bucket that a process of this test's own keeps, on loopback, and a Ray that knows it."""
    store = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    url = "http://{}:{}".format(*store.get_host_and_port())
    settings = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**settings, "AWS_ENDPOINT_URL": url, "SEMRAY_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=url).create_bucket(Bucket="bucket")
    ray.init(address="local", num_cpus=3, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    yield open_root("s3://bucket/run")
    ray.shutdown()
    store.stop()


def test_training_on_a_root_in_object_storage_gives_a_model_that_can_be_served(root: str, tmp_path: Path) -> None:
    for name in MADE_SAMPLES:
        samples = build_samples(20, held_out=4) if name == "samples" else []
        dataset = Dataset(root, name)
        dataset.write_plan(Plan({}, {}, {}))
        dataset.write_shard(0, Sample, samples, [], Ledger(rows_out=len(samples)))
        dataset.finish()
    recipe = replace(smoke(), model=str(build_model(tmp_path / "base", context=1024)))
    place = train(recipe, root)
    assert place == "s3://bucket/run/model"
    assert read_file(f"{root}/training/smoke/metrics.jsonl")
    assert any(path.endswith("config.json") for path in files(place))
    assert models(recipe, root) == {"base": str(tmp_path / "base"), "tuned": place}
    there = resolve(place)
    assert there.is_relative_to(tmp_path / "cache")
    assert content_of(there) == Dataset(root, "training").complete().content
    assert resolve(place) == there
    assert train(recipe, root) == place  # complete: skipped
    assert os.environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
