"""The stage `explained` of a small root on real Ray: python -m tests.pipelines.explaining ROOT URL"""

import sys
from dataclasses import replace

from cluster.session import connect
from pipelines.recipes import Recipe
from pipelines.synthesize import explained
from ray_app.programs import workers
from ray_app.records import Program, TracedProgram, content_id
from ray_app.runner import run
from ray_app.stage import Stage
from ray_app.teacher.endpoint import Endpoint
from tests.pipelines.tiny import tiny

CODE = "def f(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"
PROGRAMS = 12


def small() -> Recipe:
    config = tiny().synthesize
    how = replace(config.explain, directions=("forward",))
    return replace(tiny(), synthesize=replace(config, explain=how, explains=PROGRAMS - 4, rows_per_shard=2))


def programs() -> list[Program]:
    calls = [f"f([{n}, 3])" for n in range(PROGRAMS)]
    return [Program(content_id(CODE, call), "grow", CODE, "f", (call,), "", "here", "MIT", 1) for call in calls]


if __name__ == "__main__":
    root, url = sys.argv[1:]
    recipe = small()
    with connect(num_cpus=2):
        tracing = Stage("executions", workers.trace_rows, recipe.synthesize.trace, Program, TracedProgram, 2)
        run(tracing, root, rows=programs())
        explained(recipe, root, Endpoint("tiny", url=url, cache_dir=f"{root}/cache"))
