"""Real benchmark files where they are present, and a sandbox for the whole module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ray_app.evaluation.verdicts import Executor

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with the public benchmark files."""
    if not DATA.is_dir():
        pytest.skip(f"needs the benchmark files in {DATA.name} beside the project")
    return DATA


@pytest.fixture(scope="session")
def executor() -> Iterator[Executor]:
    """One sandbox for all tests."""
    with Executor() as running:
        yield running


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Expected outputs and downloads of tests stay out of the user's cache."""
    monkeypatch.setenv("SEMRAY_CACHE", str(tmp_path_factory.getbasetemp() / "semray-cache"))
