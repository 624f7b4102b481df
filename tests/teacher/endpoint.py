"""A real OpenAI-compatible endpoint on loopback whose answers a test scripts."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]
Script = Callable[[dict[str, Any], int], Answer]


class Endpoint:
    """Counts requests and answers each by `script(body, serial)`, a (status, JSON or text) pair."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: dict[str, str] = {}
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, path: str, body: dict[str, Any]) -> Answer:
        with self._lock:
            self.bodies.append(body)
            self.paths.append(path)
            serial = len(self.bodies) - 1
        return self.script(body, serial)


def said(*texts: str, prompt_tokens: int = 10, completion_tokens: int = 5) -> Answer:
    """A well-formed answer that fits both endpoints."""
    choices = [{"message": {"content": t}, "text": t, "finish_reason": "stop"} for t in texts]
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    return 200, {"choices": choices, "usage": usage}


@contextmanager
def serve(script: Script, headers: dict[str, str] | None = None) -> Generator[Endpoint]:
    endpoint = Endpoint(script)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            endpoint.headers = dict(self.headers.items())
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = endpoint.answer(self.path, body)
            payload = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
