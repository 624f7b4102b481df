"""Free prose about small runs, in the manner of language models and of teachers: how much of it the grammar reads.

Written without looking at the grammar. At first contact 86 of the 116 statements were recognised, 3 true passages
refuted and 6 false twins found true; the verifier was then mended on these same rows. Since then they guard what was
reached, and say nothing about prose that nobody has seen. Each row is a program, a true passage, the number of
checkable statements in it as a person counts them, and a false twin.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ray_app.monologue.claims import parse
from ray_app.monologue.source import read
from ray_app.monologue.timeline import Timeline, arrange
from ray_app.monologue.walk import Checked, walk
from ray_app.sandbox.api import execute

PROGRAMS = {
    "search": (
        "def find(xs, t):\n    lo = 0\n    hi = len(xs) - 1\n    while lo <= hi:\n        mid = (lo + hi) // 2\n"
        "        if xs[mid] == t:\n            return mid\n        if xs[mid] < t:\n            lo = mid + 1\n"
        "        else:\n            hi = mid - 1\n    return -1\n",
        "find([1, 3, 5, 7, 9], 7)",
    ),
    "vowels": (
        "def f(s):\n    n = 0\n    out = ''\n    for i, ch in enumerate(s):\n        if ch in 'aeiou':\n"
        "            n += 1\n            continue\n        out = ch + out\n    return out, n\n",
        "f('Hello')",
    ),
    "groups": (
        "def group(words):\n    d = {}\n    for w in words:\n        k = len(w)\n        if k not in d:\n"
        "            d[k] = []\n        d[k].append(w)\n    best = max(d, key=lambda k: len(d[k]))\n"
        "    return d[best]\n",
        "group(['ab', 'c', 'de', 'fgh'])",
    ),
    "parse": (
        "def num(t):\n    try:\n        return int(t)\n    except ValueError:\n        return None\n\n"
        "def total(parts):\n    s = 0\n    bad = 0\n    for p in parts:\n        v = num(p)\n        if v is None:\n"
        "            bad += 1\n        else:\n            s += v\n    return s - bad\n",
        "total(['4', 'x', '10'])",
    ),
}

PROSE = (
    ("search", "We begin with lo = 0 and hi = 4.", 2, "We begin with lo = 0 and hi = 5."),
    ("search", "Initially `lo` is 0 and `hi` is 4 (the last index).", 2, "Initially `lo` is 1 and `hi` is 4."),
    ("search", "First pass: mid = (0 + 4) // 2 = 2.", 1, "First pass: mid = (0 + 4) // 2 = 3."),
    ("search", "The midpoint is computed as 2, and xs[2] is 5.", 2, "The midpoint is computed as 2, and xs[2] is 7."),
    ("search", "Since 5 < 7, we move the lower bound up: lo becomes 3.", 2, "Since 5 < 7, lo becomes 2."),
    (
        "search",
        "xs[mid] = 5 which is not equal to 7, so the first `if` is skipped.",
        2,
        "xs[mid] = 7 so the first `if` is taken in iteration 1.",
    ),
    ("search", "In the second round mid is 3.", 1, "In the second round mid is 2."),
    ("search", "On the second iteration, mid = 3 and xs[3] = 7.", 2, "On the second iteration, mid = 4 and xs[4] = 9."),
    ("search", "Now `xs[mid] == t` holds, so 3 is returned.", 2, "Now `xs[mid] == t` holds, so 4 is returned."),
    ("search", "The while loop body is entered twice.", 1, "The while loop body is entered three times."),
    ("search", "`hi` never changes during the search.", 1, "`lo` never changes during the search."),
    ("search", "The target t is 7.", 1, "The target t is 8."),
    ("search", "lo moves from 0 to 3.", 1, "lo moves from 0 to 2."),
    ("search", "`len(xs) - 1` evaluates to 4, which is assigned to hi.", 2, "`len(xs) - 1` evaluates to 5."),
    ("search", "Because 0 <= 4 the loop condition is true.", 2, "Because 5 <= 4 the loop condition is true."),
    ("search", "hi stays at 4 the whole time", 1, "hi stays at 3 the whole time"),
    ("search", "The element in the middle, xs[2], equals 5.", 1, "The element in the middle, xs[2], equals 3."),
    ("search", "With lo at 3 and hi at 4, mid works out to 3.", 3, "With lo at 3 and hi at 4, mid works out to 4."),
    ("search", "So `find` returns 3.", 1, "So `find` returns -1."),
    ("search", "Line 12 is never reached.", 1, "Line 9 is never reached."),
    ("vowels", "`n` counts vowels and starts out as 0.", 1, "`n` counts vowels and starts out as 1."),
    ("vowels", "out is initialised to the empty string.", 1, "out is initialised to the empty list."),
    ("vowels", "i = 0, ch = 'H': not a vowel, so out = 'H'.", 3, "i = 0, ch = 'H': not a vowel, so out = 'h'."),
    ("vowels", "i=1, ch='e' -> vowel, n=1", 3, "i=1, ch='e' -> vowel, n=2"),
    ("vowels", "'l' is prepended to out, which becomes 'lH'.", 2, "'l' is appended to out, which becomes 'Hl'."),
    ("vowels", "After the fourth character out is 'llH'.", 1, "After the fourth character out is 'lH'."),
    ("vowels", "The fifth iteration handles 'o' and bumps n to 2.", 2, "The fifth iteration bumps n to 3."),
    ("vowels", "At the end n equals 2 and out equals 'llH'.", 2, "At the end n equals 2 and out equals 'Hll'."),
    ("vowels", "The function gives back the tuple ('llH', 2).", 1, "The function gives back the tuple ('llH', 3)."),
    ("vowels", "`ch in 'aeiou'` is False for 'H'.", 1, "In iteration 1 `ch in 'aeiou'` is True."),
    (
        "vowels",
        "In iteration 2 the check `ch in 'aeiou'` succeeds and we `continue`.",
        1,
        "In iteration 3 the check `ch in 'aeiou'` succeeds and we `continue`.",
    ),
    ("vowels", "Five iterations are performed in total.", 1, "Six iterations are performed in total."),
    ("vowels", "n goes 0, 1, 2.", 1, "n goes 0, 2, 3."),
    (
        "vowels",
        "- ch = 'l': out = 'lH'\n- ch = 'l': out = 'llH'",
        4,
        "- ch = 'l': out = 'lH'\n- ch = 'l': out = 'lllH'",
    ),
    ("vowels", "The string s has length 5.", 1, "The string s has length 6."),
    ("vowels", "ch takes on 'H', 'e', 'l', 'l', 'o' in turn.", 1, "ch takes on 'H', 'e', 'l', 'o' in turn."),
    ("vowels", "At i = 4 the character is 'o'.", 2, "At i = 4 the character is 'l'."),
    ("vowels", "Line 6 runs twice.", 1, "Line 6 runs three times."),
    ("vowels", "out grows from 'H' to 'lH' in iteration 3.", 1, "out grows from 'H' to 'Hl' in iteration 3."),
    ("vowels", "The result is ('llH', 2).", 1, "The result is ('Hll', 2)."),
    ("groups", "d starts off empty: {}.", 1, "d starts off empty: []."),
    ("groups", "The first word is 'ab', so k is 2.", 2, "The first word is 'ab', so k is 3."),
    ("groups", "2 is not in d yet, so d[2] is created as an empty list.", 2, "1 is in d, so d[2] is created as [1]."),
    ("groups", "Then 'ab' is appended, giving {2: ['ab']}.", 2, "Then 'ab' is appended, giving {2: ['abc']}."),
    ("groups", "For w = 'c' the key is 1.", 2, "For w = 'c' the key is 2."),
    ("groups", "d is now {2: ['ab'], 1: ['c']}", 1, "d is now {1: ['c'], 2: ['ab']}"),
    (
        "groups",
        "When w is 'de', `k not in d` is False, so line 6 is skipped.",
        3,
        "When w is 'de', `k not in d` is True, so line 6 runs.",
    ),
    ("groups", "d[2] grows to ['ab', 'de'].", 1, "d[2] grows to ['de', 'ab']."),
    ("groups", "'fgh' has three letters; k = 3.", 2, "'fgh' has three letters; k = 4."),
    (
        "groups",
        "After the loop d equals {2: ['ab', 'de'], 1: ['c'], 3: ['fgh']}.",
        1,
        "After the loop d equals {2: ['ab', 'de'], 1: ['c']}.",
    ),
    ("groups", "best is 2, because that list has two elements.", 2, "best is 1, because that list has two elements."),
    ("groups", "The call returns ['ab', 'de'].", 1, "The call returns ['c']."),
    ("groups", "The loop makes four passes.", 1, "The loop makes three passes."),
    ("groups", "`max(...)` picks 2, and it is stored in `best`.", 1, "`max(...)` picks 3, and it is stored in `best`."),
    ("groups", "`len(w)` is 2 in the third iteration.", 1, "`len(w)` is 3 in the third iteration."),
    ("groups", "d has three keys at the end.", 1, "d has four keys at the end."),
    ("groups", "k is 2, then 1, then 2 and finally 3.", 1, "k is 2, then 2, then 1 and finally 3."),
    ("groups", "`d[best]` is `['ab', 'de']`.", 1, "`d[best]` is `['fgh']`."),
    ("groups", "words contains 4 items.", 1, "words contains 5 items."),
    ("groups", "The final value of best is 2.", 1, "The final value of best is 3."),
    ("parse", "`num('4')` returns 4.", 1, "`num('4')` returns '4'."),
    ("parse", "s becomes 4 after the first part.", 1, "s becomes 5 after the first part."),
    ("parse", "`int('x')` raises a ValueError, so num returns None.", 2, "`int('x')` raises a TypeError."),
    ("parse", "The except branch hands back None.", 1, "The except branch hands back 0."),
    ("parse", "v is None, hence bad goes up to 1.", 2, "v is None, hence bad goes up to 2."),
    ("parse", "bad is incremented from 0 to 1.", 1, "bad is incremented from 1 to 2."),
    ("parse", "In the third iteration p is '10' and v is 10.", 2, "In the third iteration p is '10' and v is '10'."),
    ("parse", "s = 4 + 10 = 14", 1, "s = 4 + 10 = 15"),
    ("parse", "Line 5 executes exactly once.", 1, "Line 5 executes exactly twice."),
    ("parse", "It returns s - bad = 14 - 1 = 13.", 1, "It returns s - bad = 14 - 2 = 12."),
    ("parse", "`v is None` is True only for 'x'.", 1, "In the first iteration `v is None` is True."),
    ("parse", "num is called with '4', 'x' and '10'.", 1, "num is called with '4', 'y' and '10'."),
    ("parse", "Finally `s` holds 14 while `bad` holds 1.", 2, "Finally `s` holds 13 while `bad` holds 1."),
    ("parse", "The else branch runs for '4', adding 4 to s.", 2, "The else branch runs for '4', adding 5 to s."),
    ("parse", "s remains 4 in the second iteration.", 1, "s remains 5 in the second iteration."),
    ("parse", "The answer is 13.", 1, "The answer is 14."),
    ("parse", "Control jumps to the handler on line 4.", 1, "Control jumps to the handler on line 12."),
    ("parse", "At this point s is still 0 and bad is 0.", 2, "At this point s is still 0 and bad is 1."),
    ("parse", "parts is ['4', 'x', '10'].", 1, "parts is ['4', 'x', 10]."),
    ("parse", "The total() call produces 13.", 1, "The total() call produces 31."),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in a passage: true and false claims."""

    true: int
    false: int


def readings(rows: tuple[tuple[str, str, int, str], ...] = PROSE) -> Iterator[tuple[Reading, int, Reading]]:
    """For each row what is read in the true passage, how many statements it has, and what is read in the false twin."""
    timelines = {name: _timeline(*program) for name, program in PROGRAMS.items()}
    for name, true, count, false in rows:
        yield _read(timelines[name], true), count, _read(timelines[name], false)


def share_recognised() -> dict[str, float]:
    """Over all rows: statements, how many are recognised and true, true ones found false, false twins found true."""
    found = list(readings())
    statements = sum(count for _, count, _ in found)
    recognised = sum(min(right.true, count) for right, count, _ in found)
    return {
        "statements": statements,
        "recognised": recognised,
        "share": round(recognised / statements, 3),
        "true passages refuted": sum(right.false > 0 for right, _, _ in found),
        "false twins": len(found),
        "refuted": sum(wrong.false > 0 for _, _, wrong in found),
        "false twins found true": sum(wrong.true >= count and not wrong.false for _, count, wrong in found),
    }


def _timeline(code: str, call: str) -> Timeline:
    trace = execute(code, [call])[0].trace
    assert trace is not None
    return arrange(read(code), trace)


def _read(timeline: Timeline, text: str) -> Reading:
    checked = [item for item in walk(timeline, parse(text, timeline.source.names).claims) if _states(item)]
    return Reading(
        sum(item.finding.holds is True for item in checked), sum(item.finding.holds is False for item in checked)
    )


def _states(item: Checked) -> bool:
    return item.claim.kind not in ("line", "code", "quote", "iteration")
