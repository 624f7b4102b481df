"""An explanation made true: what the record refutes is corrected from it or cut, and the rest is judged again.

A value that is false where the record has exactly one that belongs there is replaced by it; any other false sentence is
cut. That is repeated until nothing false is found. Promised of a text that is returned: the verifier accepts it, and
`edits` say every change. Not promised: that an unchecked sentence that was kept is true, or that what was cut was
needless.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from ray_app import records
from ray_app.claims.claim import Part, Reading, Statement
from ray_app.claims.code import normal
from ray_app.programs.tries import Execute
from ray_app.records import Edit, EditKind
from ray_app.sandbox.api import execute as in_sandbox
from ray_app.semantics.record import Run
from ray_app.verification.align import Placed
from ray_app.verification.backward import Record, verify_backward
from ray_app.verification.cutting import Stretch, apply, sentence_at, without_empty_heads
from ray_app.verification.facts import Facts
from ray_app.verification.general import check_sentences
from ray_app.verification.judge import SOLID, is_result, judge_forward, verify_forward
from ray_app.verification.mentions import occurs
from ray_app.verification.verdict import Verdict

Unchecked = Literal["keep", "cut"]
NO_EXPLANATION = "no longer explains the result"
_UNEXPLAINED = frozenset(["no claims", "only the result", "deciding change not stated", "nothing could be checked"])
_MOST_ROUNDS = 6
"""Each round takes something away or puts it right, so few are needed; a text that needs more is given up."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A text after its edits, and the verdict on it. Where it was refused, `text` is "" and `reason` says why."""

    text: str
    edits: tuple[Edit, ...]
    verdict: Verdict
    reason: str


class _Fault(NamedTuple):
    """A stretch of the text that cannot stay: replaced by `after`, or, where that is "", cut."""

    stretch: Stretch
    after: str
    why: str


_Faults = Callable[[str], Sequence[_Fault]]
_Judge = Callable[[str], Verdict]


def edit_forward(run: Run, text: str, *, unchecked: Unchecked = "keep", execute: Execute | None = None) -> Edited:
    """The explanation of a run with its false statements corrected or cut; with "cut", the unchecked ones cut too.

    With `execute`, what the text says about the program in general is tried on other inputs; else it is unchecked.
    """
    edited = _edited(
        text,
        lambda now: list(_forward_faults(run, now, unchecked, execute)),
        lambda now: verify_forward(run, now, execute=execute),
    )
    if edited.reason or not edited.edits or _explains(run, edited.text):
        return edited
    return Edited("", edited.edits, edited.verdict, NO_EXPLANATION)


def _explains(run: Run, text: str) -> bool:
    """Whether a text still says something true of the way from the arguments to the result."""
    arguments = run.frames[0].arguments
    _, placed = judge_forward(run, text)
    true = [item for item in placed if item.finding.holds and item.claim.kind not in SOLID]
    return any(not is_result(item) and arguments.get(item.claim.subject) != normal(item.claim.value) for item in true)


def edit_backward(
    run: Run, text: str, *, record: Record, execute: Execute = in_sandbox, unchecked: Unchecked = "keep"
) -> Edited:
    """The same for an explanation of which input gives the output of a run: a demand that other inputs break is made a
    possibility, whatever else is false is cut."""

    def judge(now: str) -> Verdict:
        return verify_backward(run, now, record=record, execute=execute)

    return _edited(text, lambda now: list(_backward_faults(judge(now), now, unchecked)), judge)


def _edited(text: str, faults_of: _Faults, judge: _Judge) -> Edited:
    """Rounds of edits up to the fixed point, and the verdict on what is left."""
    edits: list[Edit] = []
    for _ in range(_MOST_ROUNDS):
        faults = _apart(faults_of(text))
        if not faults:
            break
        edits += [_edit(text, fault) for fault in faults]
        text = apply(text, [(fault.stretch, fault.after) for fault in faults])
    text = without_empty_heads(text)
    verdict = judge(text)
    reason = "" if verdict.accepted else _reason(verdict, bool(edits))
    return Edited("" if reason else text, tuple(edits), verdict, reason)


def _edit(text: str, fault: _Fault) -> Edit:
    kind: EditKind = "corrected" if fault.after else "cut"
    return Edit(kind, text[slice(*fault.stretch)].strip(), fault.after, fault.why)


def _reason(verdict: Verdict, is_edited: bool) -> str:
    """Why a text is refused after its edits."""
    if is_edited and verdict.reason in _UNEXPLAINED:
        return NO_EXPLANATION
    return "final answer is wrong" if verdict.reason == "wrong answer" else verdict.reason


def _apart(faults: Sequence[_Fault]) -> list[_Fault]:
    """Faults that do not overlap, in the order of the text; of those that do, a cut before a correction."""
    chosen: list[_Fault] = []
    for fault in sorted(faults, key=lambda fault: (bool(fault.after), fault.stretch)):
        start, end = fault.stretch
        if all(end <= other.stretch[0] or other.stretch[1] <= start for other in chosen):
            chosen.append(fault)
    return sorted(chosen, key=lambda fault: fault.stretch)


# -- forward -----------------------------------------------------------------------------------------------------------


def _forward_faults(run: Run, text: str, unchecked: Unchecked, execute: Execute | None) -> Iterator[_Fault]:
    reading, placed = judge_forward(run, text)
    general = check_sentences(run, reading.statements, execute) if execute is not None else {}
    for sentence, found in general.items():
        if found.holds is False:
            yield _Fault((sentence.start, sentence.end), "", found.evidence)
    tested = {sentence for sentence, found in general.items() if found.holds}
    false = [item for item in placed if item.finding.holds is False]
    corrected = {item.value_span for item in false if item.finding.right}
    for item in false:
        # of "x = 1 + 2 = 4" both parts are false, and one correction puts both right
        if item.finding.right or item.value_span not in corrected:
            yield _forward_fault(text, reading, item)
    if unchecked == "cut" and not false:  # what can be put right comes first
        left = replace(reading, statements=tuple(one for one in reading.statements if one not in tested))
        yield from _unchecked(Facts(run), text, left, placed)


def _forward_fault(text: str, reading: Reading, item: Placed) -> _Fault:
    right, (start, end) = item.finding.right, item.value_span
    if right and end > start and text[start:end].strip("`") != right:
        after = f"`{right}`" if text[start] == "`" else right
        return _Fault((start, end), after, item.finding.evidence)
    return _Fault(_sentence_of(reading, item.span), "", item.finding.evidence)


def _sentence_of(reading: Reading, span: Stretch) -> Stretch:
    """The sentence in which a claim stands."""
    around = (one for one in reading.statements if one.start <= span[0] < max(one.end, one.start + 1))
    found = next(around, None)
    return (found.start, found.end) if found is not None else span


def _unchecked(facts: Facts, text: str, reading: Reading, placed: Sequence[Placed]) -> Iterator[_Fault]:
    """What is not known to be true: sentences, or the clauses at the end of a sentence that begins with what is."""
    for statement in reading.statements:
        inside = [item for item in placed if statement.start <= item.span[0] < statement.end]
        known = [_is_known(facts, part, inside) for part in statement.parts]
        if all(known) and any(item.finding.holds for item in inside):
            continue
        begin = _unknown_tail(statement, known)
        if not _says_nothing(text[begin : statement.end]):
            yield _Fault((begin, statement.end), "", "not checked")


def _is_known(facts: Facts, part: Part, inside: Sequence[Placed]) -> bool:
    """Whether all that a clause says is known to be true; one of a word or two says nothing."""
    own = [item for item in inside if item.span[0] < part.end and part.start < item.span[1]]
    if any(item.finding.holds is not True and item.claim.kind not in _BESIDES for item in own):
        return False
    if not all(_is_of_the_run(facts, value) for value in part.loose):
        return False
    return part.is_claimed or bool(part.loose) or part.size < _FEW_WORDS


def _is_of_the_run(facts: Facts, value: str) -> bool:
    """Whether a value that no claim has is at least the run's; how many "two" of something are is not known."""
    if value.startswith("‹"):
        return value == "‹1›"
    return value in facts.numbers if value.lstrip("-").isdecimal() else occurs(facts, value)


def _unknown_tail(statement: Statement, known: Sequence[bool]) -> int:
    """Where what is not known begins, if all that stands before it is known; else where the sentence begins."""
    first = known.index(False) if False in known else 0
    has_said = any(part.size >= _FEW_WORDS for part in statement.parts[:first])
    return statement.parts[first].start if has_said else statement.start


_BESIDES = frozenset(["does", "mention"])
"""Kinds of claims that a clause may have beside what is known of it."""
_FEW_WORDS = 3


def _says_nothing(sentence: str) -> bool:
    """Whether a sentence only announces what follows."""
    return sentence.rstrip().endswith(":") or len(sentence.split()) <= _FEW_WORDS or sentence.startswith("Let")


# -- backward ----------------------------------------------------------------------------------------------------------


_DEMANDS = re.compile(r"\b(?:must|should|has to|needs to) be\b")
_SAYS_ONE_THING = 14
"""Words of a sentence that names a value and says no more than that."""


def _backward_faults(verdict: Verdict, text: str, unchecked: Unchecked) -> Iterator[_Fault]:
    for claim in verdict.claims:
        stretch = sentence_at(text, claim.text)
        is_open = unchecked == "cut" and (claim.verdict == "unchecked" or _says_more(claim))
        if claim.kind == "answer" or stretch is None or not (is_open or claim.verdict == "false"):
            continue
        demands = list(_DEMANDS.finditer(claim.text))
        if demands and _is_too_strong(claim):
            yield from _weakened(demands, stretch, claim)
        else:
            yield _Fault(stretch, "", claim.evidence or "not checked")


def _says_more(claim: records.Claim) -> bool:
    """Whether a sentence that names a right value goes on about something that nobody checked."""
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"'[^']*'|\"[^\"]*\"|\[.*\]|\{.*\}", "", claim.text))
    return claim.kind in ("returns", "choice", "result", "mention") and len(words) > _SAYS_ONE_THING


def _is_too_strong(claim: records.Claim) -> bool:
    """Whether a demand is met by the input in question, but others give the output as well."""
    return claim.verdict == "false" and claim.evidence.endswith("gives the output too")


def _weakened(demands: list[re.Match[str]], stretch: Stretch, claim: records.Claim) -> Iterator[_Fault]:
    """What need not be but can be: "x must be 3" where 4 will do as well."""
    for demand in demands:
        start = stretch[0] + demand.start()
        yield _Fault((start, start + len(demand[0])), "can be", claim.evidence)
