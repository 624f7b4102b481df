"""A scripted OpenAI-compatible endpoint as a process of its own: python -m tests.chaos.teacher_process PORT LOG

The same question gets the same answer, and a line in LOG.
"""

import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ANSWER = """A function that scales a list.

```python
def scale_{name}(values, factor={number}):
    result = []
    for value in values:
        result.append(value * factor + {number})
    return result
```
"""


def answer(body: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return ANSWER.format(name=digest[:8], number=int(digest[:4], 16) % 97)


def main(port: int, log: Path) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(0.05)  # a model takes its time, so that a kill finds questions in flight
            text = answer(body)
            with log.open("a") as file:
                file.write(f"{text.split('(')[0][-8:]}\n")
            choice = {"message": {"content": text}, "text": text, "finish_reason": "stop"}
            payload = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 9, "completion_tokens": 9}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
