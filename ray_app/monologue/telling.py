"""A timeline told forward: frames, loops and statements in execution order, at a chosen level of detail.

Level 0 tells every iteration of short loops; each further level tells fewer iterations and fewer inner calls and gives
the rest as a running list of values, so that a long run shrinks while every deciding change keeps its first, its last
and one value between. At the last level a loop is told by such lists alone, where they cover it.
"""

import ast
import random
from collections.abc import Sequence

from ray_app.monologue.answer import kind_of
from ray_app.monologue.deciding import Deciding
from ray_app.monologue.failure import reason
from ray_app.monologue.finding import stores
from ray_app.monologue.phrase import change, code, is_tellable, known, listed, plain, truth, working
from ray_app.monologue.quotes import is_quoted
from ray_app.monologue.rounds import Rounds, iteration
from ray_app.monologue.source import Loop, is_inner
from ray_app.monologue.spelling import spelled
from ray_app.monologue.steps import numbered, steps
from ray_app.monologue.timeline import Entry, LoopRun, Moment, Timeline

_BACK = "back here, "
_FRAMES = (24, 12, 6, 3, 1, 1)


class Teller:
    """Tells one timeline; `tell()` gives the lines. The same random state gives the same lines."""

    def __init__(self, timeline: Timeline, slice_: Deciding, rng: random.Random, level: int) -> None:
        self.timeline = timeline
        self.source = timeline.source
        self.rng = rng
        self.level = level
        self.deciding = slice_
        self.rounds = Rounds(timeline, slice_, level)
        self._lines = {timeline.moments[index].line for index in slice_.moments}
        runs = [run for run in timeline.runs if not self.source.loops[run.line].inline]
        self._runs = {(run.frame, run.start): run for run in runs}
        again = {entry.frame.number for entry in timeline.entries if entry.again}
        self._interrupted = {frame: [run for run in runs if run.frame == frame] for frame in again}
        self._entries: dict[int, list[Entry]] = {}
        for entry in timeline.entries:
            if entry.frame.moments and not is_inner(entry.frame.function):
                self._entries.setdefault(entry.caller.index, []).append(entry)
        self._told_frames = 0
        self._said: frozenset[str] = frozenset()
        self._numbered: set[str] = set()
        self._nested = len(self.source.loops) > 1 or len(timeline.frames) > 1

    def tell(self) -> list[str]:
        """The lines of the entry call."""
        return self._block(self.timeline.frames[0].moments, 0)

    def _block(self, moments: Sequence[Moment], indent: int, depth: int = 0) -> list[str]:
        """Consecutive statements of one frame inside `depth` loops; a further loop's run is told as a whole."""
        lines: list[str] = []
        position = 0
        while position < len(moments):
            moment = moments[position]
            run = self._run_at(moment, depth)
            if run is not None:
                inside = [m for m in moments[position:] if m.start < run.end]
                lines += self._loop(run, inside, indent, depth)
                position += len(inside)
                continue
            lines += self._statement(moment, indent)
            position += 1
        return lines

    def _run_at(self, moment: Moment, depth: int) -> LoopRun | None:
        """The run that begins here; in a generator that goes on, one that the statement lies in."""
        if moment.frame in self._interrupted:
            around = [run for run in self._interrupted[moment.frame] if run.start <= moment.start < run.end]
            return around[depth] if depth < len(around) else None
        return self._runs.get((moment.frame, moment.start))

    # Loops

    def _loop(self, run: LoopRun, inside: list[Moment], indent: int, depth: int) -> list[str]:
        loop = self.source.loops[run.line]
        if not any(m.index in self.deciding.moments for m in inside):
            return []
        count, header, last = len(run.spans), inside[0], inside[-1]
        failing = self._raised(last) if last.line == loop.line else ""
        begins = header.start == run.start
        lines = self._calls(header, indent) if begins and (loop.kind == "for" or count == 0) else []
        if count == 0:
            words = failing or self._no_iteration(loop, header)
            return [*lines, self._line(indent, header, (_BACK if lines and failing else "") + words)]
        if begins:
            lines.append(self._line(indent, header, self._opening(loop, header, count)))
        chosen = self.rounds.chosen(run, inside)
        listed_before = False
        for number in range(1, count + 1):
            if number not in chosen:
                lines += [] if listed_before else self._meanwhile(run, inside, indent)
                listed_before = True
            elif moments := iteration(run, number, inside):
                lines += self._iteration(run, number, moments, indent, depth)
        if failing:
            lines += self._stopped(loop, last, count, failing, indent)
        elif last.line == loop.line and last.outcome is False:
            lines += self._closing(loop, last, count, indent)
        return lines

    def _opening(self, loop: Loop, header: Moment, count: int) -> str:
        times = "once" if count == 1 else f"{count} times"
        if loop.kind == "while":
            return self.rng.choice((f"the loop runs {times}", f"the `while` loop runs {times}"))
        node = self.source.statements[loop.line]
        assert isinstance(node, ast.For)
        work = self._range(node.iter, header) or working(self.timeline, node.iter, header.before)
        span = code(node.iter)
        options = [f"the loop over {span or 'the items'} runs {times}"]
        if work and len(work) < 100:
            options.append(f"{work}, so the loop runs {times}")
        return self.rng.choice(options)

    def _range(self, expression: ast.expr, header: Moment) -> str:
        """A range by its numbers, where they are few: "`list(range(3, 0, -1))` is [3, 2, 1]"."""
        if not (
            isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name) and expression.func.id == "range"
        ):
            return ""
        whole = ast.Call(ast.Name("list"), [expression], [])
        value = known(self.timeline, whole, header.before)
        if value is None or len(value) >= 48 or not code(whole) or is_quoted(self.source, whole):
            return ""
        return f"{code(whole)} is {value}"

    def _no_iteration(self, loop: Loop, header: Moment) -> str:
        if loop.kind == "while":
            test = truth(self.rng, self.timeline, header, loop.subject) or "the test fails"
            told = listed([test, *self._besides(header)])
            return f"{told}, {'and' if ', so ' in told else 'so'} the loop runs 0 times"
        node = self.source.statements[loop.line]
        assert isinstance(node, ast.For)
        work = working(self.timeline, node.iter, header.before)
        span = code(node.iter)
        return f"{work or 'there is nothing in ' + (span or 'it')}, so the loop runs 0 times"

    def _closing(self, loop: Loop, last: Moment, count: int, indent: int) -> list[str]:
        """Why a loop ends, where that is no matter of course: the last test, and what is called for it."""
        test, calls = "", self._calls(last, indent + 1)
        if loop.kind == "while":
            test, calls = self._test(loop, last, calls, indent)
        if not calls and not test:
            return []
        return [self._line(indent, last, self._ended(loop, count, "ends") + (f": {test}" if test else "")), *calls]

    def _test(self, loop: Loop, header: Moment, calls: list[str], indent: int) -> tuple[str, list[str]]:
        """The test of a `while` with what it sets on its way, and the lines on what it calls."""
        test = truth(self.rng, self.timeline, header, loop.subject)
        besides = self._besides(header)
        if calls and besides:
            return test, [*calls, self._line(indent + 1, header, _BACK + listed(besides))]
        return listed([part for part in (test, *besides) if part]) if test or besides else "", calls

    def _stopped(self, loop: Loop, last: Moment, count: int, failing: str, indent: int) -> list[str]:
        """A loop whose header raises when it has run `count` times."""
        calls, stops = self._calls(last, indent), self._ended(loop, count, "stops")
        if not calls:
            return [self._line(indent, last, f"{stops}: {failing}")]
        return [self._line(indent, last, stops), *calls, self._line(indent, last, _BACK + failing)]

    def _ended(self, loop: Loop, count: int, verb: str) -> str:
        which = f" on L{loop.line}" if self._nested else ""
        return f"the loop{which} {verb} after {count} iteration{'' if count == 1 else 's'}"

    def _besides(self, moment: Moment) -> list[str]:
        """The deciding variables that a test sets on its way."""
        names = [c.name for c in moment.changes if (moment.index, c.name) in self.deciding.changes]
        return [told for name in names if (told := plain(self.rng, moment, name))]

    def _iteration(self, run: LoopRun, number: int, moments: list[Moment], indent: int, depth: int) -> list[str]:
        loop = self.source.loops[run.line]
        head = f"{'  ' * indent}Iteration {number}"
        if self._nested:
            head += f" of the loop on L{loop.line}"
        header = moments[0]
        if header.start != run.spans[number - 1][0]:
            head += " goes on"
        told, lines = "", list[str]()
        if header.line == loop.line:
            told, lines = self._round(loop, header, number, indent)
            moments = moments[1:]
        self._said = frozenset(loop.targets)
        lines += self._block(moments, indent + 1, depth + 1)
        self._said = frozenset()
        first = f"{head}: {told}." if told else f"{head}."
        flat = " ".join(line.strip() for line in lines)
        if len(lines) <= 2 and len(flat) < 160 and not any("Iteration" in line for line in lines):
            return [f"{first} {flat}".rstrip()]
        return [first, *lines]

    def _round(self, loop: Loop, header: Moment, number: int, indent: int) -> tuple[str, list[str]]:
        """What a loop's header does as it begins an iteration, and the lines on what it calls for that."""
        if loop.kind == "while":
            if loop.endless:
                return "", []
            test, calls = self._test(loop, header, self._calls(header, indent + 1), indent)
            return f"[L{loop.line}] {test}" if test else "", calls
        calls = self._calls(header, indent + 1) if number > 1 else []
        given = ((name, header.after().get(name)) for name in dict.fromkeys(loop.targets))
        bound = [(name, value) for name, value in given if is_tellable(value)]
        if not bound or not calls:
            return listed([f"`{name}` is {value}" for name, value in bound]) if bound else "", calls
        becomes = listed([f"`{name}` becomes {value}" for name, value in bound])
        return "", [*calls, self._line(indent + 1, header, becomes)]

    def _meanwhile(self, run: LoopRun, inside: list[Moment], indent: int) -> list[str]:
        """The values that the loop's deciding variables run through, where they are short."""
        lines: list[str] = []
        for name, values in self.rounds.lists(run, inside):
            listing = ", ".join(values[:-1]) + " and " + values[-1]
            verb = self.rng.choice(("takes", "runs through"))
            lines.append(f"{'  ' * indent}Over the loop `{name}` {verb} the values {listing}.")
        return lines

    # Statements

    def _statement(self, moment: Moment, indent: int) -> list[str]:
        if not self._matters(moment):
            return []
        lines = self._calls(moment, indent)
        words = self._words(moment)
        self._said -= {c.name for c in moment.changes}
        if words:
            lines.append(self._line(indent, moment, (_BACK if lines else "") + words))
        return lines

    def _matters(self, moment: Moment) -> bool:
        if moment.index in self.deciding.moments:
            return True
        statement = self.source.statements.get(moment.line)
        if isinstance(statement, (ast.Break, ast.Continue)):
            return bool(moment.iterations)
        return isinstance(statement, ast.If) and moment.line in self._lines

    def _words(self, moment: Moment) -> str:
        statement = self.source.statements.get(moment.line)
        raised = self._raised(moment)
        if raised:
            return raised
        if isinstance(statement, ast.If):
            return self._branch(moment)
        if isinstance(statement, ast.Return):
            return self._worked(moment, statement.value, self._return(moment, statement))
        if isinstance(statement, (ast.Break, ast.Continue)):
            return self._jump(moment, statement)
        if handed_on := self._yielded(moment):
            value = getattr(statement, "value", None)
            return self._worked(moment, getattr(value, "value", None), handed_on)
        names = [c.name for c in moment.changes if (moment.index, c.name) in self.deciding.changes]
        if not names and moment.changes:
            names = [c.name for c in moment.changes if is_tellable(c.value)][:1]
        elif moment.index in self.deciding.points:
            names += [n for n in moment.after() if n not in names and stores(self.timeline, moment, n)]
        value = getattr(statement, "value", None)
        if not names and statement is None:
            return ""
        stepped = bool(self._inner(moment, value) or self._indices(moment, value))
        told = change(self.rng, self.timeline, moment, names, stepped)
        return self._worked(moment, value, told)

    def _jump(self, moment: Moment, statement: ast.Break | ast.Continue) -> str:
        """Where `break` or `continue` leads."""
        if isinstance(statement, ast.Continue):
            following = moment.following
            return f"`continue` leaves out the rest and goes on to L{following.line}" if following is not None else ""
        number = moment.iterations[-1][1]
        leaves = self.rng.choice(("leaves the loop", "ends the loop"))
        return f"`break` {leaves} after {number} iteration{'' if number == 1 else 's'}"

    def _worked(self, moment: Moment, expression: object, told: str) -> str:
        """What is told of a statement, after the inner steps of the expression that it computes."""
        if not told or not isinstance(expression, ast.expr):
            return told
        parts = [step for step in self._inner(moment, expression) if step not in told]
        indices = self._indices(moment, expression)
        self._numbered.update(indices)
        parts = [*indices[::-1], *parts]
        if not parts:
            return told
        return f"{', '.join(parts)} and {told}" if told.startswith("`") else f"{listed(parts)}, so {told}"

    def _inner(self, moment: Moment, expression: object) -> list[str]:
        """The inner steps of an expression, at the levels that tell them."""
        if not isinstance(expression, ast.expr) or not self._is_worked(expression):
            return []
        return steps(self.timeline, expression, moment.before)

    def _indices(self, moment: Moment, expression: object) -> list[str]:
        """The strings in which an expression looks for places, with their indices, where these are not told yet."""
        if not isinstance(expression, ast.expr) or not self._is_worked(expression):
            return []
        return [step for step in numbered(self.timeline, expression, moment.before) if step not in self._numbered]

    def _is_worked(self, expression: ast.expr) -> bool:
        return self.level <= 1 and not isinstance(expression, ast.Tuple)

    def _raised(self, moment: Moment) -> str:
        event = self.timeline.closing(moment)
        if event is None or event.kind != "exception":
            return ""
        kind, following = kind_of(event.value or ""), moment.following
        named = f"`{kind}`" if kind else "the exception"
        called = [frame for frame in self.timeline.frames.values() if frame.parent is moment]
        if not kind or moment.line not in self.source.statements:
            raised = f"{named} passes through this line"
        elif any(frame.raised and not is_inner(frame.function) for frame in called):
            raised = f"`{kind}` comes out of that call"
        else:
            why = self._reason(moment, event.value or "")
            raised = f"{why}, and this raises `{kind}`" if why else f"this raises `{kind}`"
        raised = listed([*self._besides(moment), raised])
        if following is not None:
            return f"{raised}, so control moves to L{following.line}"
        uncaught = self.rng.choice(("which nothing here catches", "which no handler here takes"))
        return f"{raised}, {uncaught}, so {'the' if moment.frame == 0 else 'this'} call ends with {named}"

    def _reason(self, moment: Moment, exception: str) -> str:
        """The values that make a statement raise; a `raise` gives its reason itself."""
        if isinstance(self.source.statements.get(moment.line), (ast.Raise, ast.Assert)):
            return ""
        kind, _, message = exception.partition(": ")
        return reason(self.timeline, moment, kind, message)

    def _yielded(self, moment: Moment) -> str:
        event = self.timeline.closing(moment)
        if event is None or event.kind != "yield" or not is_tellable(event.value):
            return ""
        return f"this yields {event.value}"

    def _branch(self, moment: Moment) -> str:
        branch = self.source.branches[moment.line]
        follows = self._consequence(moment)
        verdict = truth(self.rng, self.timeline, moment, branch.test, self._said, bool(follows))
        besides = [] if branch.inline else self._besides(moment)
        return " and ".join(part for part in (verdict, *besides, follows) if part)

    def _consequence(self, moment: Moment) -> str:
        """What a test's outcome leads to, where it is worth a word."""
        branch, following = self.source.branches[moment.line], moment.following
        returned = self.timeline.frames[moment.frame].returned
        if branch.inline and following is None and is_tellable(returned):
            return f"{'the function' if moment.frame == 0 else 'this call'} returns {returned}"
        if branch.inline:
            names = [c.name for c in moment.changes if (moment.index, c.name) in self.deciding.changes]
            return change(self.rng, self.timeline, moment, names)
        if moment.outcome or moment.outcome is None:
            return ""
        if branch.orelse[0] and following is not None and branch.orelse[0] <= following.line <= branch.orelse[1]:
            if isinstance(self.source.statements.get(following.line), ast.If):
                return ""
            return self.rng.choice(("the else branch runs", "the else branch is taken"))
        return f"L{branch.body[0]} is skipped" if self.rng.random() < 0.6 else ""

    def _return(self, moment: Moment, statement: ast.Return) -> str:
        frame = self.timeline.frames[moment.frame]
        if not is_tellable(frame.returned):
            return ""
        what = "the function returns" if moment.frame == 0 else "this call returns"
        work = working(self.timeline, statement.value, moment.before) if statement.value is not None else ""
        if work and frame.returned is not None and len(frame.returned) <= 60:
            return f"{work}, so {what} {frame.returned}"
        return f"{what} {frame.returned}"

    # Calls of the program's own functions

    def _calls(self, moment: Moment, indent: int) -> list[str]:
        lines: list[str] = []
        for entry in self._entries.get(moment.index, ()):
            frame = entry.frame
            inside = frame.between(entry.start, entry.end)
            call = spelled(self.timeline, frame)
            if not call or not inside:
                continue
            self._told_frames += 1
            needed = any(entry.start <= m.start < entry.end for m in self.rounds.needed)
            dead = not any(m.index in self.deciding.moments for m in inside)
            if not needed and (dead or self._told_frames > _FRAMES[self.level]):
                if frame.raised:
                    lines.append(self._line(indent, moment, f"`{call}` ends with `{kind_of(frame.raised)}`"))
                elif is_tellable(frame.returned) and entry.end > frame.end and not entry.again:
                    lines.append(self._line(indent, moment, f"`{call}` returns {frame.returned}"))
                continue
            begins = f"`{frame.function}` goes on where it stopped" if entry.again else f"this calls `{call}`"
            lines.append(self._line(indent, moment, begins))
            lines += self._block(inside, indent + 1)
            if moment.iterations and any(m.iterations for m in inside):
                line, number = moment.iterations[-1]
                lines.append(f"{'  ' * indent}Back in iteration {number} of the loop on L{line}:")
        return lines

    def _line(self, indent: int, moment: Moment, words: str) -> str:
        text = words if words[:1] in "`'\"[({" or not words[:1].isalpha() else words[0].upper() + words[1:]
        return f"{'  ' * indent}[L{moment.line}] {text}."
