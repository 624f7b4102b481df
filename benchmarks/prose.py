"""Real prose: what the verifier makes of chains of thought that a language model wrote and people labelled.

    python -m benchmarks.prose --data ../shared/data/prose

Forward texts with a right final answer, judged only. `accepted`: of the texts without a false statement about the run;
`lies in a labelled sentence`: of the claims called false; `refused`: of the texts with a false statement about the run.
"""

import argparse
import gzip
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from ray_app.claims.read import read
from ray_app.semantics.api import LIMITS, Job, record_many
from ray_app.semantics.record import Run
from ray_app.verification.align import align
from ray_app.verification.facts import Facts
from ray_app.verification.judge import verify_forward


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of JSON lines, packed or not."""
    packed = path.read_bytes()
    text = gzip.decompress(packed) if path.suffix == ".gz" else packed
    return [json.loads(line) for line in text.splitlines()]


def refutations(run: Run, text: str) -> list[tuple[int, int, str]]:
    """Where the claims that are called false stand, and why."""
    placed = align(Facts(run), read(text, run.source).groups)
    return [(*item.span, item.finding.evidence) for item in placed if item.finding.holds is False]


def overlaps(text: str, start: int, end: int, quotes: list[str]) -> bool:
    """Whether a stretch of text lies in, or holds, one of the quoted sentences."""
    places = [(at, at + len(quote)) for quote in quotes if (at := text.find(quote)) >= 0]
    return any(start < high and low < end for low, high in places)


def main() -> None:
    """Prints the figures as JSON, and on request the refusals that no label confirms."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/prose"))
    parser.add_argument("--show", action="store_true", help="print what is called false and is not labelled so")
    options = parser.parse_args()
    rows = [row for row in rows_of(options.data / "qwen7b_forward.jsonl.gz") if row["right"]]
    labels = {row["id"]: row for row in rows_of(options.data / "labels_forward.jsonl")}
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    spent = 0.0
    recorded = record_many(Job(row["code"], (row["call"],), LIMITS) for row in rows)
    for row, [recording] in zip(rows, recorded, strict=True):
        if recording.run is None:
            counts["not recorded"] += 1
            continue
        begin = time.process_time()
        verdict = verify_forward(recording.run, row["monologue"])
        spent += time.process_time() - begin
        counts["texts"] += 1
        counts["accepted"] += verdict.accepted
        reasons[verdict.reason] += 1
        if row["id"] in labels:
            judge(counts, recording.run, row["monologue"], verdict.accepted, labels[row["id"]], show=options.show)
    report = {
        **counts,
        "reasons": dict(reasons),
        "texts per CPU second": round(counts["texts"] / max(spent, 1e-9)),
    }
    print(json.dumps(report, indent=1))


def judge(counts: Counter[str], run: Run, text: str, accepted: bool, label: dict[str, Any], *, show: bool) -> None:
    """Counts a labelled text."""
    quotes = [quote for quote, scope in zip(label["false"], label["scope"], strict=True) if scope == "run"]
    kind = "false" if quotes else "true"
    counts[f"labelled {kind}"] += 1
    counts[f"labelled {kind}: accepted"] += accepted
    for start, end, evidence in refutations(run, text):
        is_labelled = overlaps(text, start, end, label["false"])
        counts["called false"] += 1
        counts["called false: lies in a labelled sentence"] += is_labelled
        if show and not is_labelled:
            print(f"== {label['id']}: {text[start:end]!r}: {evidence}\n   {text[max(0, start - 90) : end + 60]!r}")
    if show and not accepted and not quotes:
        print(f"-- {label['id']} refused though no statement about the run is labelled false")


if __name__ == "__main__":
    main()
