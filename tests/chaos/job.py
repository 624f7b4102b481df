"""A stage of `kit` as a job: python -m tests.chaos.job ROOT grow | execute | count | hold."""

import sys
import time

from cluster.session import connect
from ray_app.errors import SemrayError
from ray_app.lock import held
from ray_app.store import Dataset, open_root
from tests.chaos import kit


def main(root: str, what: str) -> None:
    place = open_root(root)
    with held(place, "chaos"):
        if what == "hold":
            print("held", flush=True)
            time.sleep(600)
        elif what == "count":
            print(len(list(Dataset(place, "grown").read(kit.GROWING.writes))))
        else:
            with connect(num_cpus=2):
                {"grow": kit.grow_all, "execute": kit.execute}[what](place)


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2])
    except SemrayError as error:
        sys.exit(f"error: {error}")
