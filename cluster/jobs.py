"""Ray jobs from the outside: submit a command with a copy of the working directory, follow its log, learn how it ended.

What is shipped is the working directory without what `.gitignore` and `.rayignore` name: code, never data.

Run with it: jobs on one machine (tests/cluster/test_jobs.py) and from another one (test_two_machines.py).
"""

import asyncio
import getpass
import logging
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ray_app.errors import ClusterError

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

READY_S = 90.0
_NO_AGENT = "No available agent"


def client(dashboard: str) -> "JobSubmissionClient":
    """A client of the dashboard at a URL; ClusterError where none answers or our token is not its own."""
    # Ray reads its authentication mode once, when it is imported: so not before the caller has set it.
    from ray.job_submission import JobSubmissionClient

    logging.disable(logging.INFO)  # else Ray writes a line for every file that it does not upload
    try:
        return JobSubmissionClient(dashboard)
    except (ConnectionError, RuntimeError) as error:
        raise ClusterError(
            f"no Ray answers at {dashboard}: {_first_line(error)}; start it with `ray start --head`, give another "
            "--address, or see to the token (RAY_AUTH_MODE=token, ~/.ray/auth_token)"
        ) from error


def submit(dashboard: str, entrypoint: list[str], working_dir: Path) -> str:
    """The id of a new job that runs `entrypoint` in a copy of `working_dir`."""
    jobs = client(dashboard)
    command, facts = shlex.join(entrypoint), metadata(entrypoint, working_dir)
    deadline = time.monotonic() + READY_S
    while True:
        try:
            return jobs.submit_job(entrypoint=command, runtime_env={"working_dir": str(working_dir)}, metadata=facts)
        except RuntimeError as error:
            # A dashboard that answers may still wait for the agent that runs jobs.
            if _NO_AGENT not in str(error) or time.monotonic() > deadline:
                raise ClusterError(
                    f"Ray refuses the job: {_first_line(error)}; look into its log with `ray logs`"
                ) from error
            time.sleep(0.5)


def follow(dashboard: str, job: str) -> str:
    """Print a job's log as it comes; how the job ended: SUCCEEDED, FAILED or STOPPED."""
    jobs = client(dashboard)

    async def print_log() -> None:
        async for text in jobs.tail_job_logs(job):
            sys.stdout.write(text)
            sys.stdout.flush()

    try:
        asyncio.run(print_log())
        return jobs.get_job_status(job).value
    except RuntimeError as error:
        raise ClusterError(
            f"cannot follow job {job}: {_first_line(error)}; `ray job list` shows those there are"
        ) from error


def stop(dashboard: str, job: str) -> None:
    """Ask Ray to end a job."""
    client(dashboard).stop_job(job)


def metadata(entrypoint: list[str], working_dir: Path) -> dict[str, str]:
    """What the dashboard shows beside a job: its pipeline, recipe and root, who sent it, and which code it runs."""
    named = {
        key: entrypoint[at + 1]
        for key, option in (("pipeline", "-m"), ("recipe", "--recipe"), ("root", "--root"))
        if option in entrypoint and (at := entrypoint.index(option)) + 1 < len(entrypoint)
    }
    command = ["git", "-C", str(working_dir), "describe", "--always", "--dirty"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return {**named, "user": getpass.getuser(), **({"commit": commit} if commit else {})}


def absolute_root(entrypoint: list[str]) -> list[str]:
    """A job runs in a copy of the working directory, so a relative --root would be lost with it."""
    made = list(entrypoint)
    for index, word in enumerate(made[:-1]):
        if word == "--root" and "://" not in made[index + 1]:
            made[index + 1] = os.path.abspath(Path(made[index + 1]).expanduser())
    return made


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
