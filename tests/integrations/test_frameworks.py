"""lm-eval and inspect_ai hold our exam: against our endpoint, and against one whose answers are known."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipelines.export_exam import row
from ray_app.evaluation.items import Item

PROJECT = Path(__file__).parents[2]
FRAMEWORKS = Path(os.environ.get("SEMRAY_FRAMEWORKS", PROJECT / ".venv-frameworks")).absolute()
CODE = "def f(n):\n    return n + 1\n"
pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(
        not (FRAMEWORKS / "bin" / "lm_eval").is_file() or not (FRAMEWORKS / "bin" / "inspect").is_file(),
        reason=f"no lm_eval and inspect in {FRAMEWORKS.name}/bin: run `make test-frameworks`, or set SEMRAY_FRAMEWORKS",
    ),
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Four questions; three of them have one digit."""
    items = [Item(f"q{n}", "output", CODE, "f", str(n + 1), call=f"f({n})", output=str(n + 1)) for n in (1, 3, 5, 11)]
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(row(item, "direct")) + "\n" for item in items))
    return path


def run(*command: str, questions: Path, url: str, key: str) -> str:
    more = {"SEMRAY_QUESTIONS": str(questions), "OPENAI_API_KEY": key, "SEMRAY_API_KEY": key, "SEMRAY_BASE_URL": url}
    where = {"HOME": str(questions.parent), "PATH": f"{FRAMEWORKS / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        [str(FRAMEWORKS / "bin" / command[0]), *command[1:]],
        cwd=PROJECT,
        env={**os.environ, **where, **more},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    return done.stdout + done.stderr


def lm_eval(questions: Path, url: str, key: str, kind: str = "local-chat-completions") -> dict[str, Any]:
    """What lm-eval reports of our task."""
    chat = kind == "local-chat-completions"
    more = ["--apply_chat_template"] if chat else []
    place = f"model=tuned,base_url={url}/{'chat/' if chat else ''}completions,tokenizer_backend=None"
    out = questions.parent / kind
    asked = ["run", "--include_path", "integrations", "--tasks", "semray_exam", "--model", kind, "--model_args", place]
    run("lm_eval", *asked, *more, "--output_path", str(out), questions=questions, url=url, key=key)
    report = json.loads(next(out.rglob("results_*.json")).read_text())
    return report["results"]["semray_exam"] | {"asked": report["n-samples"]["semray_exam"]["effective"]}


def inspect(questions: Path, url: str, key: str) -> dict[str, Any]:
    """What inspect_ai reports of our task."""
    logs = questions.parent / "logs"
    asked = ["eval", "integrations/inspect_exam.py", "--model", "openai-api/semray/tuned", "--log-format", "json"]
    run("inspect", *asked, "--log-dir", str(logs), "--display", "plain", questions=questions, url=url, key=key)
    report = json.loads(next(logs.rglob("*.json")).read_text())
    assert report["status"] == "success"
    return {
        "strict": report["results"]["scores"][0]["metrics"]["accuracy"]["value"],
        "asked": report["results"]["completed_samples"],
    }


def test_frameworks_give_the_share_that_is_right(questions: Path) -> None:
    with known_answers() as url:
        chat, raw, inspected = (
            lm_eval(questions, url, "k"),
            lm_eval(questions, url, "k", "local-completions"),
            inspect(questions, url, "k"),
        )
    assert (chat["strict,none"], chat["answered,none"], chat["asked"]) == (0.75, 1.0, 4)
    assert (raw["strict,none"], raw["asked"]) == (0.75, 4)
    assert inspected == {"strict": 0.75, "asked": 4}


def test_frameworks_reach_our_endpoint(questions: Path, url: str, key: str) -> None:
    assert lm_eval(questions, url, key)["asked"] == 4
    assert inspect(questions, url, key)["asked"] == 4


@contextmanager
def known_answers() -> Iterator[str]:
    """An endpoint that answers questions about arguments of one digit rightly, others with 0."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Known)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


class _Known(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        chat = self.path.endswith("/chat/completions")
        prompt = body["messages"][-1]["content"] if chat else body["prompt"]
        prompt = prompt[0] if isinstance(prompt, list) else prompt
        given = int(prompt.rpartition("assert f(")[2].partition(")")[0])
        text = f"[ANSWER]assert f({given}) == {given + 1 if given < 10 else 0}"
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "logprobs": None}
        choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "tuned", "choices": [choice]}
        reply["usage"] = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        content = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass
