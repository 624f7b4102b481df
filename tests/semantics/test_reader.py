import random

import pytest

from ray_app.sandbox.api import Sandbox
from ray_app.sandbox.batch import Job
from ray_app.semantics.assembly import assemble
from ray_app.semantics.reader import Notes, decode, decode_in_python
from ray_app.semantics.source import read
from tests.semantics.programs import PROGRAMS


@pytest.fixture(scope="module")
def recorded() -> list[tuple[str, bytes]]:
    names = ["class", "comprehensions", "finally", "generator", "match"]
    with Sandbox() as sandbox:
        jobs = [Job(PROGRAMS[name][0], (PROGRAMS[name][1],), notes=True) for name in names]
        return [(job.code, found[0].trace) for job, found in zip(jobs, sandbox.results_of(jobs), strict=True)]


def test_whatever_the_bytes_are_they_are_refused_or_read(recorded):
    """A program that reaches into its memory can forge what it likes: never another error than ValueError."""
    chance = random.Random(0)
    outcomes = {"read": 0, "refused": 0}
    for code, data in recorded:
        for _ in range(60):
            forged = bytearray(data)
            for _ in range(chance.choice((1, 1, 2, 20))):
                forged[chance.randrange(8, len(forged))] = chance.randrange(256)
            try:
                assemble(read(code), decode(forged), "f()", "1", None, "")
                outcomes["read"] += 1
            except ValueError:
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 10


def _read(decoder, data: bytes) -> Notes | None:
    try:
        return decoder(data)
    except ValueError:
        return None


def test_the_decoders_in_c_and_in_python_read_and_refuse_the_same(recorded):
    chance = random.Random(1)
    for _, data in recorded:
        for forgeries in (0, *[1] * 60, *[5] * 20):
            forged = bytearray(data)
            for _ in range(forgeries):
                forged[chance.randrange(8, len(forged))] = chance.randrange(256)
            records = bytes(forged[8 : 8 + int.from_bytes(forged[:8], "little")])
            assert _read(decode, bytes(forged)) == _read(decode_in_python, records)


def test_bytes_that_end_early_are_refused_or_whole(recorded):
    for code, data in recorded:
        for size in range(8, len(data), 37):
            part = (size - 8).to_bytes(8, "little") + data[8:size]
            try:
                notes = decode(part)
            except ValueError:
                continue
            assert len(assemble(read(code), notes, "f()", "1", None, "").frames) <= 40


def test_a_buffer_that_claims_more_than_it_has_is_refused():
    with pytest.raises(ValueError, match="claims"):
        decode((100).to_bytes(8, "little") + b"S")
