"""Real bugs with their real fixes: most are diagnosed with every claim verified."""

from pathlib import Path

import pytest

from benchmarks.repair import diagnosed, humanevalpack, quixbugs
from ray_app.records import Repair

DATA = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture
def data() -> Path:
    if not DATA.is_dir():
        pytest.skip("needs the benchmark files in shared/data beside the project")
    return DATA


@pytest.mark.slow
def test_quixbugs_at_least_25_of_31_are_diagnosed(data: Path):
    outcomes = diagnosed(list(quixbugs(data)))
    assert len(outcomes) == 31
    assert sum(isinstance(row, Repair) for row in outcomes) >= 25


@pytest.mark.slow
def test_humanevalpack_at_least_155_of_164_are_diagnosed(data: Path):
    outcomes = diagnosed(list(humanevalpack(data)))
    assert len(outcomes) == 164
    assert sum(isinstance(row, Repair) for row in outcomes) >= 155
