"""Serve: the base model, and the fine-tuned one where there is one, behind an OpenAI-compatible endpoint.

    python -m pipelines.serve --recipe demo --root runs/demo --port 8000
    curl http://127.0.0.1:8000/v1/models

Runs until it is interrupted. On a cluster that stays up, `serve deploy cluster/serve.yaml` does the same.
"""

import contextlib
import signal
from collections.abc import Generator, Mapping
from pathlib import Path

from cluster.local import free_port
from cluster.session import connect, require_packages
from pipelines import options
from pipelines.recipes import Recipe
from ray_app.models import resolve
from ray_app.serving import app

BASE, TUNED = "base", "tuned"


def models(recipe: Recipe, root: str) -> dict[str, str]:
    """The models of a root by the name under which they are served."""
    tuned = Path(root) / "model"
    found = {BASE: str(resolve(recipe.model))}
    return found | ({TUNED: str(tuned)} if (tuned / "config.json").is_file() else {})


@contextlib.contextmanager
def serving(recipe: Recipe, served: Mapping[str, str], port: int = 0) -> Generator[str]:
    """The models behind an endpoint on loopback for the length of the block; gives its URL. Port 0: any free one."""
    url = app.run(served, port=port or free_port(), options=recipe.serve)
    print(f"{'serving':<12} {', '.join(served)} at {url}", flush=True)
    try:
        yield url
    finally:
        app.stop()


def main(recipe: Recipe, root: str, port: options.Port = 8000) -> None:
    """Serve a root's models until interrupted."""
    require_packages("torch", "transformers", "fastapi", extra="train")
    with connect(), serving(recipe, models(recipe, root), port):
        print("Ctrl-C stops it", flush=True)
        signal.pause()


if __name__ == "__main__":
    options.main(main, writes=False)
