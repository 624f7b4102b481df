"""What a text says about its program in general, tried on other inputs of the recorded call: a sandbox run each."""

from collections.abc import Sequence

from ray_app.claims.claim import Statement as Sentence
from ray_app.programs.tries import Execute
from ray_app.semantics.neighbours import try_neighbours
from ray_app.semantics.record import Run
from ray_app.verification.properties import Outcome, check_property, read_property
from ray_app.verification.statement import Statement

_HOLDS: dict[Outcome, bool | None] = {"tested": True, "refuted": False, "not checked": None}


def check_sentences(run: Run, sentences: Sequence[Sentence], execute: Execute) -> dict[Sentence, Statement]:
    """The sentences that state a property, each with what inputs say about it. Nothing is run where none does."""
    parameters = tuple(run.frames[0].arguments) if run.frames else ()
    found = {one: read_property(one.text, parameters) for one in sentences if one.mode == "general"}
    stated = {one: property_ for one, property_ in found.items() if property_ is not None}
    tried = try_neighbours(run, execute) if stated else None
    if tried is None:
        return {}
    tested = {one: check_property(run.source.code, asked, tried, execute=execute) for one, asked in stated.items()}
    return {one: Statement(one.text, "property", _HOLDS[test.outcome], test.evidence) for one, test in tested.items()}
