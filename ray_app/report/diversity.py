"""How hard and how diverse the executed programs are, source by source: for the report and for the dataset card."""

import math
from collections.abc import Iterator
from typing import Any

from ray_app.programs.stats import statistics
from ray_app.records import TracedProgram
from ray_app.report.distribution import distribution
from ray_app.store import Dataset

SAMPLE = 4_000
"""Programs that are read with their traces; of a larger run an equal share of every shard, and the report says so."""


def diversity(root: str, sample: int = SAMPLE) -> dict[str, Any] | None:
    """Figures per source (`SourceStatistics.as_data`) with histograms of lengths; None where nothing was executed."""
    dataset = Dataset(root, "executions")
    counts = dataset.row_counts()
    found = statistics(_sampled(dataset, counts, sample))
    if not found:
        return None
    return {
        "programs": sum(counts.values()),
        "read": sum(each.programs for each in found.values()),
        "sources": [
            {
                "source": source,
                **each.as_data(),
                "trace_lengths": distribution(sorted(each.trace_lengths.elements())),
                "lines": distribution(sorted(each.code_lines.elements())),
            }
            for source, each in found.items()
        ],
    }


def _sampled(dataset: Dataset, counts: dict[str, int], sample: int) -> Iterator[TracedProgram]:
    share = min(1.0, sample / max(1, sum(counts.values())))
    for shard, rows in counts.items():
        yield from dataset.read_slice(TracedProgram, shard, 0, math.ceil(share * rows))
