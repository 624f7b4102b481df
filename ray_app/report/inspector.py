"""A local page over any run's shards: search, filter, and look at one row line by line.

    with Inspector(root) as inspector:
        print(inspector.url)
        inspector.serve_forever()

It listens on loopback only, answers only requests that name it as host (a foreign page cannot read it through a
rebound name), and writes nothing. Shards are read a row group at a time; a search that takes longer than `search_s`
shows what it has and offers to go on. Rows are hostile: they are escaped, and no inline script runs.
"""

import http.server
import urllib.parse
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any

from ray_app.errors import InputError, SemrayError, StoreError
from ray_app.report import views
from ray_app.report.pages import Pages
from ray_app.report.query import Missing

_FOLDER = Path(__file__).parent
_POLICY = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; form-action 'self'; base-uri 'none'"
_FILES = {"/report.css": "text/css", "/inspector.js": "text/javascript"}


class Inspector:
    """An HTTP server over one root, on a free port unless one is given. InputError if the port is taken."""

    def __init__(self, root: str, port: int = 0, *, search_s: float = 2.0) -> None:
        self._pages = Pages(root, search_s)
        if not views.lists(root):
            raise StoreError(f"{root} holds no rows to look at; give the --root of a run")
        try:
            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _handler(self._pages))
        except OSError as error:
            raise InputError(f"port {port} cannot be opened ({error.strerror}); choose another --port") from error
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> "Inspector":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.server_close()

    def serve_forever(self) -> None:
        """Answer until `stop` is called from another thread, or Ctrl-C."""
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self._server.shutdown()


def _handler(pages: Pages) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        """GET only; errors are a line of text with their status."""

        def do_GET(self) -> None:
            host = (self.headers.get("Host") or "").rpartition(":")[0]
            if host not in ("127.0.0.1", "localhost"):
                self._answer(HTTPStatus.FORBIDDEN, "text/plain", "ask for this page as 127.0.0.1")
                return
            address = urllib.parse.urlsplit(self.path)
            if address.path in _FILES:
                self._answer(
                    HTTPStatus.OK, _FILES[address.path], (_FOLDER / address.path[1:]).read_text(encoding="utf-8")
                )
                return
            asked = dict(urllib.parse.parse_qsl(address.query))
            try:
                self._answer(HTTPStatus.OK, "text/html", pages.page(address.path, asked))
            except Missing as error:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", str(error))
            except SemrayError as error:
                self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", str(error))

        def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
            body = text.encode("utf-8", "backslashreplace")
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", _POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: the terminal is the user's."""

    return Handler
