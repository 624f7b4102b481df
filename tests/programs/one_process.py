"""Near-duplicates as one process finds them, one by one: the oracle of the stages that find them in parallel."""

from collections.abc import Iterable, Iterator

from ray_app.programs.select.index import Index, repeated
from ray_app.records import Program, Reject


def deduplicate(programs: Iterable[Program], index: Index | None = None) -> Iterator[Program | Reject]:
    """Each program that is no near-duplicate of an earlier one, and a Reject naming the earlier one for the others."""
    index = index or Index()
    for program in programs:
        earlier = index.add(program.id, program.code)
        yield program if earlier is None else repeated(program, earlier)
