"""Where benchmark files come from: the folder, else the hub, here a server on loopback."""

import gzip
import hashlib
import socket
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ray_app.errors import InputError
from ray_app.evaluation.sources import Source, cache_folder, open_source

ROWS = b'{"id": 1, "code": "x"}\n{"id": 2, "code": "y"}\n'
SHA = hashlib.sha256(ROWS).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    asked: list[str]

    def log_request(self, code: object = "-", size: object = "-") -> None:
        self.asked.append(self.path)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a public place with a benchmark file, and what was asked of it."""
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "bench.jsonl.gz").write_bytes(gzip.compress(ROWS))
    (tmp_path / "hub" / "broken.jsonl.gz").write_bytes(b"<html>a login page</html>")
    asked: list[str] = []
    handler = partial(type("Recorded", (Quiet,), {"asked": asked}), directory=str(tmp_path / "hub"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def source(address: str, file: str = "bench.jsonl.gz", sha: str = SHA) -> Source:
    return Source(("bench.jsonl", "bench.jsonl.gz"), f"{address}/{file}", ("id", "code"), {sha: "v1"})


def test_hub_is_asked_once_where_no_folder_is_given(hub: tuple[str, list[str]]) -> None:
    address, asked = hub
    first, again = (open_source("fetched-once", source(address), None) for _ in range(2))
    assert [row["id"] for row in first.rows] == [1, 2]
    assert (first.version, first.sha256, first.md5) == ("v1", SHA, hashlib.md5(ROWS).hexdigest())
    assert again == first
    assert asked == ["/bench.jsonl.gz"]
    assert Path(first.origin).is_relative_to(cache_folder())


def test_folder_comes_before_the_hub(hub: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = hub
    (tmp_path / "data" / "below").mkdir(parents=True)
    (tmp_path / "data" / "below" / "bench.jsonl").write_bytes(ROWS)
    assert open_source("local", source(address), tmp_path / "data").version == "v1"
    assert asked == []


def test_without_a_network_the_error_says_what_to_download() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(
        InputError, match=r"cannot fetch benchmark offline from .*; download bench.jsonl and pass --data"
    ):
        open_source("offline", source(address), None)
    assert not (cache_folder() / "benchmarks" / "offline").exists()


def test_a_page_instead_of_the_file_is_refused(hub: tuple[str, list[str]]) -> None:
    with pytest.raises(InputError, match="cannot fetch benchmark absent"):
        open_source("absent", source(hub[0], "nowhere.jsonl"), None)
    with pytest.raises(InputError, match="cannot read"):
        open_source("broken", source(hub[0], "broken.jsonl.gz"), None)


def test_another_release_on_the_hub_is_refused_unless_wanted(hub: tuple[str, list[str]]) -> None:
    other = source(hub[0], sha="0" * 64)
    with pytest.raises(InputError, match="not a known version"):
        open_source("moved", other, None)
    assert open_source("moved", other, None, any_version=True).version == "unpinned"
