"""A recipe small enough for tests: a few files and plots, everything else as in the demo.

python tests/pipelines/tiny.py ROOT
"""

import sys
from dataclasses import replace

from cluster.session import connect
from pipelines.options import root_of
from pipelines.recipes import Recipe, demo
from pipelines.synthesize import synthesize
from ray_app.lock import held
from ray_app.programs.workers import Plot


def tiny() -> Recipe:
    base = demo()
    programs = replace(
        base.synthesize, mine_files=24, plots=(Plot(0, 12, 1), Plot(1, 12, 2), Plot(2, 12, 3)), rows_per_shard=8
    )
    return replace(base, name="tiny", synthesize=programs)


if __name__ == "__main__":
    place = root_of(sys.argv[1])
    with held(place, "tiny"), connect(num_cpus=2):
        synthesize(tiny(), place)
