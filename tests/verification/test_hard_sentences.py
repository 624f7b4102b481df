"""Real prose: hard true sentences are not called false, and the known kinds of false ones are."""

import pytest

from ray_app.verification.judge import verify_part
from tests.semantics import local
from tests.verification.hard_sentences import FALSE, PROGRAMS, TRUE


def _false(program: str, text: str) -> list[tuple[str, str]]:
    claims = verify_part(local.record(*PROGRAMS[program]), text).claims
    return [(claim.text, claim.evidence) for claim in claims if claim.verdict == "false"]


@pytest.mark.parametrize(("program", "text"), TRUE)
def test_verify_part_hard_true_sentence_is_not_called_false(program, text):
    assert _false(program, text) == []


@pytest.mark.parametrize(("program", "text"), FALSE)
def test_verify_part_false_sentence_is_called_false(program, text):
    assert _false(program, text)
