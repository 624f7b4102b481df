"""semray: teach code models what programs do when they run, on Ray.

Rooms, in the order data flows through them: `programs` -> `sandbox` + `tracing` -> `monologue` -> `repair` ->
`mixture` -> `training` -> `serving` -> `evaluation` -> `report`. A room imports only rooms to its left.
"""

__version__ = "0.1.0"
