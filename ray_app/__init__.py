"""semray: teach code models what programs do when they run, on Ray.

Rooms, in the order data flows through them: `programs` -> `sandbox` + `tracing` -> `monologue` -> `repair` ->
`mixture` -> `training` -> `serving` -> `evaluation` -> `report`. A room imports only rooms to its left.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ray_app.api import execute, grow, narrate, record, trace, verify

__all__ = ["execute", "grow", "narrate", "record", "trace", "verify"]
__version__ = "0.1.0"

# OpenMP reads this when PyTorch is first imported. By default its threads wait for each other in a busy loop; where
# anything else wants the cores (a second model, the sandbox), whole time slices go into that, and a model with two
# threads seems to run on one core: passes that take 3 s so were not done after two minutes (docs/benchmarks.md).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def __getattr__(name: str) -> Any:
    """The functions of `ray_app.api`, loaded when first asked for: a child of the sandbox imports this package too."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ray_app import api

    return getattr(api, name)
