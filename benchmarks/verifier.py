"""The verifier: true texts accepted, planted errors caught, by kind, and what narrating and verifying take.

    python -m benchmarks.verifier [--programs 20] [--cruxeval FILE.jsonl]

Recorded runs are narrated at the finest detail, in both styles, and verified; each accepted text is corrupted in one
place, once per kind of error that it has room for (`tests/verification/planted.py`), and verified again. Backward texts
have a benchmark of their own, `benchmarks.backward`. Prints JSON.
"""

import argparse
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.narration import cruxeval, grown, runs
from ray_app.monologue.forward import StyleName, narrate
from ray_app.semantics.record import Run
from ray_app.verification.judge import verify_forward
from tests.verification.planted import FORWARD

_LONGEST = 3_000
"""Tokens of a text from which on it is left out: no row of a pipeline is as long."""


@dataclass
class Tally:
    """What was counted over the texts of one source."""

    texts: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])
    planted: Counter[str] = field(default_factory=Counter[str])
    caught: Counter[str] = field(default_factory=Counter[str])
    narrate_s: float = 0.0
    verify_s: float = 0.0

    def report(self, source: str) -> dict[str, object]:
        """One row of the table."""
        took = self.narrate_s + self.verify_s
        return {
            "source": source,
            "texts": self.texts,
            "true texts refused": dict(self.refused),
            "planted": self.planted.total(),
            "caught": self.caught.total(),
            "kinds missed": {
                kind: f"{count - self.caught[kind]} of {count}"
                for kind, count in self.planted.items()
                if self.caught[kind] < count
            },
            "narrated and verified per CPU second": round(self.texts / took) if took else 0,
        }


def weigh(run: Run, style: StyleName, tally: Tally, rng: random.Random) -> None:
    """One text: narrated, verified, and corrupted in every way that it has room for."""
    start = time.process_time()
    narration = narrate(run, style=style)
    middle = time.process_time()
    if narration.refused or narration.tokens > _LONGEST:
        return
    verdict = verify_forward(run, narration.text)
    tally.texts += 1
    tally.narrate_s += middle - start
    tally.verify_s += time.process_time() - middle
    if not verdict.accepted:
        tally.refused[verdict.reason] += 1
        return
    for kind, corrupt in FORWARD.items():
        wrong = corrupt(narration.text, run, rng)
        if wrong is not None and wrong != narration.text:
            tally.planted[kind] += 1
            tally.caught[kind] += not verify_forward(run, wrong).accepted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=20, help="grown programs of each difficulty")
    parser.add_argument("--cruxeval", type=Path, help="a file of CRUXEval problems")
    chosen = parser.parse_args()
    jobs = [*grown(chosen.programs), *(cruxeval(chosen.cruxeval) if chosen.cruxeval else ())]
    rng = random.Random(0)
    for source, recorded in runs(jobs).items():
        tally = Tally()
        styles: tuple[StyleName, ...] = ("prose", "states")
        for run in recorded:
            for style in styles:
                weigh(run, style, tally, rng)
        print(json.dumps(tally.report(source)), flush=True)


if __name__ == "__main__":
    main()
