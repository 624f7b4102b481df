import io
import json

from ray_app.progress import Progress, duration, say


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_duration_reads_well_at_every_size():
    assert [duration(s) for s in (12.4, 185, 7_800)] == ["12 s", "3 min 05 s", "2 h 10 min"]


def test_progress_in_a_log_writes_whole_lines():
    out = io.StringIO()
    progress = Progress("mined", 4, "shards", out=out, every_s=0.0)
    progress.advance(2, "10 rows")
    progress.advance(2)
    progress.close("20 rows")
    first, last = out.getvalue().splitlines()
    assert first.startswith("mined        [##########          ] 2/4 shards  ETA")
    assert first.endswith("10 rows")
    assert last.startswith("mined        [####################] 4/4 shards  in 0 s  20 rows")


def test_progress_on_a_terminal_stays_on_one_line():
    out = Terminal()
    progress = Progress("mined", 2, "shards", out=out)
    progress.advance(2)
    progress.close()
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().startswith("\r\033[Kmined")


def test_progress_for_machines_is_json_with_the_run(monkeypatch):
    monkeypatch.setenv("SEMRAY_LOG", "json")
    monkeypatch.setenv("SEMRAY_RUN", "raysubmit_7")
    out = Terminal()
    progress = Progress("mined", 2, "shards", out=out)
    progress.advance(2)
    progress.close("20 rows")
    say("grown", "complete", out)
    first, second = [json.loads(line) for line in out.getvalue().splitlines()]
    assert (first["run"], first["stage"], first["done"], first["total"], first["note"]) == (
        "raysubmit_7",
        "mined",
        2,
        2,
        "20 rows",
    )
    assert (second["stage"], second["text"]) == ("grown", "complete")
    assert first["time"].endswith("Z")
