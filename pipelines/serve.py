"""Serve: the base model, and the fine-tuned one where there is one, behind an OpenAI-compatible endpoint.

    python -m pipelines.serve --recipe demo --root runs/demo --port 8000
    curl http://127.0.0.1:8000/v1/models

Runs until it is interrupted. Other machines reach it with `--host 0.0.0.0` and a key (SEMRAY_API_KEY). On a cluster
that stays up, `serve deploy cluster/serve.yaml` does the same.
"""

import contextlib
import signal
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from cluster.local import free_port
from cluster.session import connect, require_packages
from pipelines import options
from pipelines.recipes import Recipe
from ray_app.errors import InputError
from ray_app.models import resolve
from ray_app.serving import app

BASE, TUNED = "base", "tuned"
LOOPBACK = "127.0.0.1"
Host = Annotated[str, typer.Option(help="address to listen on; any but loopback needs an API key")]
ApiKey = Annotated[str, typer.Option(envvar="SEMRAY_API_KEY", help="what clients must send; empty: nothing")]


def models(recipe: Recipe, root: str) -> dict[str, str]:
    """The models of a root by the name under which they are served."""
    tuned = Path(root) / "model"
    found = {BASE: str(resolve(recipe.model))}
    return found | ({TUNED: str(tuned)} if (tuned / "config.json").is_file() else {})


@contextlib.contextmanager
def serving(
    recipe: Recipe, served: Mapping[str, str], port: int = 0, host: str = LOOPBACK, api_key: str = ""
) -> Generator[str]:
    """The models behind an endpoint for the length of the block; gives its URL. Port 0: any free one."""
    if host not in (LOOPBACK, "localhost", "::1") and not api_key:
        raise InputError(f"--host {host} lets others in, and the endpoint runs code: set SEMRAY_API_KEY as well")
    url = app.run(served, host=host, port=port or free_port(), options=recipe.serve, api_key=api_key or None)
    print(f"{'serving':<12} {', '.join(served)} at {url}", flush=True)
    try:
        yield url
    finally:
        app.stop()


def main(recipe: Recipe, root: str, port: options.Port = 8000, host: Host = LOOPBACK, api_key: ApiKey = "") -> None:
    """Serve a root's models until interrupted."""
    require_packages("torch", "transformers", "fastapi", extra="train")
    with connect(), serving(recipe, models(recipe, root), port, host, api_key):
        print("Ctrl-C stops it", flush=True)
        signal.pause()


if __name__ == "__main__":
    options.main(main, writes=False)
