"""The verifier refuses what a broken narrator writes: nearly every text that became false, whatever broke it."""

import random
from collections import Counter

from ray_app.monologue.forward import narrate
from ray_app.verification.judge import verify_forward
from tests.odd_programs import odd_programs
from tests.semantics.local import record
from tests.verification.misread_records import BREAKAGES

_LONGEST = 1_500


def test_texts_of_broken_narrators_are_refused() -> None:
    rng = random.Random(1)
    changed, refused = Counter[str](), Counter[str]()
    passed: list[str] = []
    for odd in odd_programs()[::2]:
        run = record(odd.code, odd.call)
        true = narrate(run)
        if not true.text or true.tokens > _LONGEST or not verify_forward(run, true.text).accepted:
            continue
        for kind, breakage in BREAKAGES.items():
            broken = breakage(run, rng)
            text = narrate(broken).text if broken is not None else ""
            if not text or text == true.text:
                continue
            changed[kind] += 1
            accepted = verify_forward(run, text).accepted
            refused[kind] += not accepted
            passed += [f"{kind}: {odd.name}"] if accepted else []
    assert len(changed) >= 19
    assert refused.total() >= 0.95 * changed.total(), passed
