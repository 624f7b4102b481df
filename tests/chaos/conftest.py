"""Every test here kills real processes again and again; `make test-chaos` runs them and prints what became of them."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes import no_orphans

KILLS = int(os.environ.get("SEMRAY_CHAOS_KILLS", "20"))
_TABLE = pytest.StashKey[list[tuple[str, int, str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.chaos)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash[_TABLE]
    if rows:
        terminalreporter.section("what was done to the system, and what came of it")
        for what, times, result in rows:
            terminalreporter.write_line(f"| {what} | {times} | {result} |")


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[[str, int, str], None]:
    """Adds a row to the table: what was done, how often, and the result that the test has made sure of."""
    return lambda what, times, result: request.config.stash[_TABLE].append((what, times, result))


@pytest.fixture
def kills() -> int:
    return KILLS


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Random moments, the same in every run of the same test as far as the machine allows."""
    return random.Random(request.node.nodeid)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Nothing that a test starts may outlive it."""
    with no_orphans():
        yield
