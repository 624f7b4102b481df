"""Code that a diagnosis quotes must stand where the words say."""

import pytest

from ray_app.repair.changes import compare
from ray_app.repair.quotes import claims_on_code, misplaced
from tests.repair.kit import TOTAL

PROGRAMS = compare(TOTAL.replace("x > 0", "x > 3"), TOTAL)


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("[L4] `3` is wrong here: `0` is needed.", ["true", "true", "true"]),
        ("[L4] `x > 3` is wrong here: `x > 3` is needed.", ["true", "true", "false"]),
        ("[L4] Put `x > 0` in place of `x > 3`, so that the line reads `if x > 0:`.", ["true"] * 4),
        ("[L4] Put `x > 3` in place of `x > 0`.", ["true", "false", "false"]),
        ("[L5] `total += x` is wrong here.", ["false", "true"]),
        ("[L4] `total += x` is wrong here.", ["true", "true"]),
        ("[L4] Put `total+=x` before.", ["true", "true"]),
        ("[L4] with 12 in mind `x > 3` is wrong.", ["true", "true", "false"]),
    ],
)
def test_claims_on_code_hold_code_against_the_program_that_is_meant(text: str, verdicts: list[str]):
    assert [claim.verdict for claim in claims_on_code(PROGRAMS, text, 4)] == verdicts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[L1] Call of `f`: `xs` is [1].\n[L2] `total` is set to 0.\n[L3] Iteration 1: `x` is 1.", []),
        ("[L2] Call of `f`: `xs` is [1].", ["`f` on L2"]),
        ("[L3] `total` is set to 0.", ["`total` on L3"]),
        ("[L5] In iteration 1 of the loop on L3: `total` is set to 1.", []),
        ("[L4] Iteration 1: `total` is 1.", ["`total` on L4"]),
    ],
)
def test_misplaced_names_what_does_not_stand_on_the_line_of_its_label(text: str, found: list[str]):
    assert misplaced(PROGRAMS.buggy, text) == found
