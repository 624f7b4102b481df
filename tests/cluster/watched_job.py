"""A small synthesize job on the cluster at RAY_ADDRESS that also watches it: python -m tests.cluster.watched_job ROOT

Prints how many workers there were at each look, the most GPUs, and when the last worker had gone.
"""

import json
import sys
import threading
import time

import ray

from cluster.session import connect
from pipelines.synthesize import synthesize
from tests.pipelines.tiny import tiny
from tests.processes import wait_for


def workers() -> list[dict[str, float]]:
    """The resources of the living nodes beside the head."""
    resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [found for found in resources if "node:__internal_head__" not in found]


def main(root: str) -> None:
    seen: list[int] = []
    gpus: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.2):
            found = workers()
            seen.append(len(found))
            gpus.append(sum(node.get("GPU", 0.0) for node in found))

    with connect():
        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.monotonic()
        synthesize(tiny(), root, asks=False)
        made = time.monotonic()
        wait_for(lambda: not workers(), "all workers go away", 240)
        ended.set()
        watcher.join()
        facts = {"seen": seen, "gpus": max(gpus), "job_s": made - began, "gone_after_s": time.monotonic() - made}
    print(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1])
