"""Progress for people: a live bar on a terminal, a line every few seconds in a job's log; or for machines.

With SEMRAY_LOG=json every line is a JSON object with the time, the run (SEMRAY_RUN, which pipelines set) and the facts.
"""

import json
import os
import sys
import time
from typing import TextIO


def duration(seconds: float) -> str:
    """12 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def structured() -> bool:
    """Whether lines are for machines."""
    return os.environ.get("SEMRAY_LOG") == "json"


def say(label: str, text: str, out: TextIO | None = None, **facts: float | str) -> None:
    """One line about a stage; `facts` are its numbers, for machines."""
    line = f"{label:<12} {text}"
    if structured():
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"time": now, "run": os.environ.get("SEMRAY_RUN", ""), "stage": label, "text": text, **facts})
    print(f"{line}\n", end="", file=out or sys.stdout, flush=True)  # in one piece: stages may run side by side


class Progress:
    """Counts work towards `total` and shows it: at most every 0.2 s on a terminal, every `every_s` elsewhere."""

    def __init__(self, label: str, total: int, unit: str, *, out: TextIO | None = None, every_s: float = 5.0) -> None:
        self.label, self.total, self.unit = label, total, unit
        self._out = out or sys.stderr
        self._live = self._out.isatty() and not structured()
        self._every_s = 0.2 if self._live else every_s
        self._started = self._shown = time.monotonic()
        self.done = 0

    def advance(self, amount: int = 1, note: str = "") -> None:
        self.done += amount
        if self.done < self.total and time.monotonic() - self._shown >= self._every_s:
            self._show(note)

    def close(self, note: str = "") -> None:
        """Show the last state and end the line."""
        self._show(note)
        if self._live:
            self._out.write("\n")
            self._out.flush()

    def _show(self, note: str) -> None:
        self._shown = time.monotonic()
        elapsed = max(self._shown - self._started, 1e-6)
        share = self.done / self.total if self.total else 1.0
        bar = "#" * int(share * 20)
        left = f"ETA {duration(elapsed * (1 - share) / share)}" if 0 < share < 1 else f"in {duration(elapsed)}"
        text = f"[{bar:<20}] {self.done}/{self.total} {self.unit}  {left}{'  ' + note if note else ''}"
        if self._live:
            self._out.write(f"\r\033[K{self.label:<12} {text}")
            self._out.flush()
        else:
            say(self.label, text, self._out, done=self.done, total=self.total, seconds=round(elapsed, 1), note=note)
