"""What a dashboard sees of a run: counters and gauges that every Ray node offers to Prometheus.

`cluster/grafana.json` draws them. Recording is cheap and never fails a run; without a Ray there is nobody to ask, and
nothing happens. Latency and load of the endpoint are Ray Serve's own metrics (`ray_serve_*`).
"""

import functools
from collections.abc import Mapping
from typing import Any

from ray.util.metrics import Counter, Gauge, Histogram

from ray_app.store import Ledger

SHARD_SECONDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000)


@functools.cache
def _counter(name: str, says: str, *tags: str) -> Counter:
    return Counter(f"semray_{name}", says, tags)


@functools.cache
def _gauge(name: str, says: str, *tags: str) -> Gauge:
    return Gauge(f"semray_{name}", says, tags)


@functools.cache
def _shard_seconds() -> Histogram:
    return Histogram("semray_shard_seconds", "wall seconds per shard", [*SHARD_SECONDS], ("stage",))


def shard_made(stage: str, made: Ledger) -> None:
    """Count one finished shard of a stage."""
    tags = {"stage": stage}
    _shard_seconds().observe(max(made.wall_s, 1e-6), tags)
    totals = {
        "rows_in": ("rows read", made.rows_in),
        "rows_out": ("rows made", made.rows_out),
        "cpu_seconds": ("CPU seconds spent, children included", made.cpu_s),
        "tokens_in": ("tokens sent to a language model", made.tokens_in),
        "tokens_out": ("tokens received from a language model", made.tokens_out),
        "usd": ("US dollars paid to an endpoint", made.usd),
    }
    for name, (says, amount) in totals.items():
        if amount > 0:
            _counter(name, says, "stage").inc(amount, tags)
    for reason, count in made.rejects.items():
        _counter("rejects", "rows refused", "stage", "reason").inc(count, {**tags, "reason": reason})


def sandbox_restarted(stage: str) -> None:
    """Count a sandbox that died under a shard and was started again."""
    _counter("sandbox_restarts", "sandboxes started again after their death", "stage").inc(1, {"stage": stage})


class TrainingGauges:
    """A sink of the training log (`add` takes its rows): loss, speed and use of the hardware, by run."""

    def __init__(self, run: str) -> None:
        self._tags = {"run": run}

    def add(self, row: Mapping[str, Any]) -> None:
        kind = "eval" if row["kind"] == "eval" else "train"
        for name in ("loss", "tokens_per_s", "mfu", "learning_rate", "step"):
            if isinstance(value := row.get(name), int | float):
                _gauge(f"training_{name}", f"{name} of the training run", "run", "kind").set(
                    value, {**self._tags, "kind": kind}
                )
