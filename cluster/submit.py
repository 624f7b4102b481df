"""Submit a pipeline to a Ray cluster that is running, follow its log, and exit as it ended.

    python -m cluster.submit -- python -m pipelines.synthesize --recipe demo --root s3://bucket/run
    python -m cluster.submit --address http://head:8265 --no-follow -- python -m pipelines.train --root /runs/one
    python -m cluster.submit --follow raysubmit_4LamXRuQpYdSMg7J

`ray job submit --working-dir . -- ...` does the same without the metadata and the checks. Ctrl-C ends the following,
not the job.

Run with it: tests/cluster/test_jobs.py, on a real cluster of one machine.
"""

import os
import sys
from pathlib import Path

import typer

from cluster import jobs
from ray_app.errors import InputError, SemrayError

DASHBOARD = "http://127.0.0.1:8265"


def main(
    entrypoint: list[str] = typer.Argument(None, help="the job's command, after --"),  # noqa: B008
    address: str = typer.Option("", help=f"URL of the dashboard; else RAY_API_SERVER_ADDRESS, else {DASHBOARD}"),
    wait: bool = typer.Option(True, "--wait/--no-follow", help="print the log until the job ends, or only its id"),
    follow: str = typer.Option("", help="the id of a job that runs already: only print its log"),
) -> None:
    """Run one command as a job on a Ray cluster, with a copy of this directory (code, no data)."""
    dashboard = address or os.environ.get("RAY_API_SERVER_ADDRESS", "") or DASHBOARD
    try:
        if bool(entrypoint) == bool(follow):
            raise InputError("give a command after --, or --follow JOB; not both")
        job = follow or jobs.submit(dashboard, _checked(entrypoint), Path.cwd())
        if not follow:
            print(f"job {job} submitted to {dashboard}", flush=True)
        status = jobs.follow(dashboard, job) if wait or follow else ""
    except KeyboardInterrupt:
        print("\nno longer following; the job goes on (`ray job stop JOB` ends it)", file=sys.stderr)
        raise SystemExit(130) from None
    except SemrayError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    if status not in ("", "SUCCEEDED"):
        print(f"job {job} ended as {status}", file=sys.stderr)
        raise SystemExit(1)


def _checked(entrypoint: list[str]) -> list[str]:
    """A relative root would mean another place on the cluster, so it is refused here already."""
    if "--root" in entrypoint[:-1]:
        root = entrypoint[entrypoint.index("--root") + 1]
        if "://" not in root and not root.startswith("/"):
            raise InputError(
                f"--root {root!r} is relative; give a path that every node has, or a URI such as s3://bucket/run"
            )
    return entrypoint


if __name__ == "__main__":
    typer.run(main)
