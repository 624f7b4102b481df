"""Serve: the base model, and the fine-tuned one where there is one, behind an OpenAI-compatible endpoint.

    python -m pipelines.serve --recipe demo --root runs/demo --port 8000
    curl http://127.0.0.1:8000/v1/models

Runs until it is interrupted. Other machines reach it with `--host 0.0.0.0` and a key (SEMRAY_API_KEY). On a cluster
that stays up, `serve deploy cluster/serve.yaml` does the same.
"""

import contextlib
import os
import secrets
import signal
from collections.abc import Generator, Mapping
from typing import Annotated

import typer

from cluster.session import connect, joined, require_packages, submission_id
from pipelines import options
from pipelines.recipes import Recipe
from ray_app.errors import InputError
from ray_app.models import portable
from ray_app.serving import app
from ray_app.serving.app import LOOPBACK
from ray_app.store import read_file
from ray_app.teacher.endpoint import Place

BASE, TUNED = "base", "tuned"
Host = Annotated[str, typer.Option(help="address of the head to listen on; any but loopback needs an API key")]
ApiKey = Annotated[str, typer.Option(envvar="SEMRAY_API_KEY", help="what clients must send; empty: nothing")]


def models(recipe: Recipe, root: str) -> dict[str, str]:
    """The models of a root by the name under which they are served; who serves them resolves them."""
    tuned = f"{root}/model"
    found = {BASE: portable(recipe.model)}
    return found | ({TUNED: tuned} if read_file(f"{tuned}/config.json") is not None else {})


@contextlib.contextmanager
def serving(recipe: Recipe, served: Mapping[str, str], options: app.ModelOptions | None = None) -> Generator[Place]:
    """The models behind an endpoint for the length of the block, for this job's own workers, wherever they run.

    On a cluster that it joined it listens at the head's address, for those who have a key that is made here.
    """
    host = app.head_address() if joined() else LOOPBACK
    key = "" if host == LOOPBACK else secrets.token_urlsafe(24)
    name = f"{app.APP}-{submission_id() or os.getpid()}"
    with _listening(served, host, 0, options or recipe.serve, key, name) as url:
        yield Place(url, key)


@contextlib.contextmanager
def _listening(
    served: Mapping[str, str], host: str, port: int, options: app.ModelOptions, api_key: str, name: str
) -> Generator[str]:
    url = app.run(served, host=host, port=port, options=options, api_key=api_key or None, name=name)
    print(f"{'serving':<12} {', '.join(served)} at {url}", flush=True)
    try:
        yield url
    finally:
        app.stop(name)


def require_key(host: str, api_key: str) -> None:
    """An InputError for an endpoint that is open to others and asks for nothing."""
    if host not in (LOOPBACK, "localhost", "::1") and not api_key:
        raise InputError(f"--host {host} lets others in, and the endpoint runs code: set SEMRAY_API_KEY as well")


def main(recipe: Recipe, root: str, port: options.Port = 8000, host: Host = LOOPBACK, api_key: ApiKey = "") -> None:
    """Serve a root's models until interrupted."""
    require_packages("torch", "transformers", "fastapi", extra="train")
    require_key(host, api_key)
    with connect(), _listening(models(recipe, root), host, port, recipe.serve, api_key, app.APP):
        print("Ctrl-C stops it", flush=True)
        signal.pause()


if __name__ == "__main__":
    options.main(main, writes=False)
