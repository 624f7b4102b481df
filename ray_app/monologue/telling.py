"""A timeline told forward: frames, loops and statements in execution order, at a chosen level of detail.

Level 0 tells every iteration of short loops; each further level tells fewer iterations and fewer inner calls and gives
the rest as a running list of values, so that a long run shrinks while every deciding change keeps its first, its last
and one value between. At the last level a loop is told by such lists alone, where they cover it.
"""

import ast
import random
from collections.abc import Sequence

from ray_app.monologue.answer import kind_of
from ray_app.monologue.coverage import groups
from ray_app.monologue.deciding import Deciding
from ray_app.monologue.phrase import change, code, is_tellable, known, listed, truth, working
from ray_app.monologue.source import Loop, is_inner
from ray_app.monologue.steps import numbered, steps
from ray_app.monologue.timeline import Frame, LoopRun, Moment, Timeline

MAX_LEVEL = 5
_ALL_ITERATIONS = (6, 4, 3, 3, 3, 1)
_FRAMES = (24, 12, 6, 3, 1, 1)
_LISTED = (400, 300, 200, 120, 80, 240)


class Teller:
    """Tells one timeline; `tell()` gives the lines. The same random state gives the same lines."""

    def __init__(self, timeline: Timeline, slice_: Deciding, rng: random.Random, level: int) -> None:
        self.timeline = timeline
        self.source = timeline.source
        self.rng = rng
        self.level = level
        self.deciding = slice_
        self._lines = {timeline.moments[index].line for index in slice_.moments}
        self._needed = _needed(timeline)
        self._wanted = {name for _, _, name in groups(timeline)}
        self._runs = {(run.frame, run.start, run.line): run for run in timeline.runs}
        self._children: dict[int, list[Frame]] = {}
        for frame in timeline.frames.values():
            if frame.parent is not None and frame.moments and not is_inner(frame.function):
                self._children.setdefault(frame.parent.index, []).append(frame)
        self._told_frames = 0
        self._said: frozenset[str] = frozenset()
        self._numbered: set[str] = set()
        self._targets = {name for loop in self.source.loops.values() for name in loop.targets}
        self._nested = len(self.source.loops) > 1 or len(timeline.frames) > 1

    def tell(self) -> list[str]:
        """The lines of the entry call."""
        return self._block(self.timeline.frames[0].moments, 0)

    def _block(self, moments: Sequence[Moment], indent: int) -> list[str]:
        """Consecutive statements of one frame; a loop's run is told as a whole."""
        lines: list[str] = []
        position = 0
        while position < len(moments):
            moment = moments[position]
            run = self._run_at(moment)
            if run is not None:
                inside = [m for m in moments[position:] if m.start < run.end]
                after = position + len(inside)
                exit_visit = moments[after] if after < len(moments) and moments[after].line == run.line else None
                lines += self._loop(run, inside, indent)
                position = after + (1 if exit_visit is not None and exit_visit.outcome is False else 0)
                continue
            lines += self._statement(moment, indent)
            position += 1
        return lines

    def _run_at(self, moment: Moment) -> LoopRun | None:
        loop = self.source.loops.get(moment.line)
        if loop is None or loop.inline:
            return None
        return self._runs.get((moment.frame, moment.start, moment.line))

    # Loops

    def _loop(self, run: LoopRun, inside: list[Moment], indent: int) -> list[str]:
        loop = self.source.loops[run.line]
        if not any(m.index in self.deciding.moments for m in inside):
            return []
        count = len(run.spans)
        header = inside[0]
        failing = self._raised(inside[-1]) if inside[-1].line == loop.line else ""
        if count == 0 and failing:
            return [self._line(indent, header, failing)]
        if count == 0:
            return [self._line(indent, header, self._no_iteration(loop, header))]
        lines = self._calls(header, indent) if loop.kind == "for" else []
        lines.append(self._line(indent, header, self._opening(loop, header, count)))
        chosen = self._chosen(run, inside)
        told: set[str] = set()
        for number in range(1, count + 1):
            if number not in chosen:
                lines += self._meanwhile(run, inside, indent, told)
                continue
            lines += self._iteration(loop, run, number, inside, indent)
        if failing:
            lines.append(self._line(indent, inside[-1], failing))
        elif not self._left_early(loop, inside):
            lines.append(self._line(indent, header, self._closing(loop, count)))
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
        return f"{code(whole)} is {value}" if value is not None and len(value) < 48 and code(whole) else ""

    def _no_iteration(self, loop: Loop, header: Moment) -> str:
        if loop.kind == "while":
            return (
                f"{truth(self.rng, self.timeline, header, loop.subject) or 'the test fails'}, so the loop runs 0 times"
            )
        node = self.source.statements[loop.line]
        assert isinstance(node, ast.For)
        work = working(self.timeline, node.iter, header.before)
        span = code(node.iter)
        return (
            f"{work}, so the loop runs 0 times"
            if work
            else f"there is nothing in {span or 'it'}, so the loop runs 0 times"
        )

    def _closing(self, loop: Loop, count: int) -> str:
        plural = f"{count} iterations" if count != 1 else "1 iteration"
        if loop.kind == "while":
            return (
                f"{self.rng.choice(('the test fails', 'the test is no longer met'))} and the loop ends after {plural}"
            )
        return self.rng.choice((f"the loop ends after {plural}", f"nothing is left and the loop ends after {plural}"))

    def _left_early(self, loop: Loop, inside: list[Moment]) -> bool:
        """Whether the run ended inside its body (break, return, exception)."""
        last = inside[-1]
        following = last.following
        return following is None or following.line != loop.line or loop.endless

    def _chosen(self, run: LoopRun, inside: list[Moment]) -> set[int]:
        """The iterations to tell: all of a short loop; else first, last, and those that first go another way."""
        count = len(run.spans)
        if count <= _ALL_ITERATIONS[self.level]:
            return set(range(1, count + 1))
        if self.level == MAX_LEVEL:
            return self._not_listed(run, inside)
        ways: dict[tuple[int, ...], int] = {}
        for number in range(1, count + 1):
            way = tuple(dict.fromkeys(m.line for m in self._of(run, number, inside)))
            ways.setdefault(way, number)
        chosen = {1, count, *sorted(ways.values())[: max(1, 4 - self.level)]}
        for number, (low, high) in enumerate(run.spans, 1):
            if any(low <= moment.start < high for moment in self._needed):
                chosen.add(number)
        if len(chosen) < 3:
            chosen.add(2)
        return chosen

    def _not_listed(self, run: LoopRun, inside: list[Moment]) -> set[int]:
        """The iterations that hold what lists of values leave out: the call's end, and what is too long to list."""
        listed_names = {name for name, values in self._changing(run, inside) if self._is_listable(values)}
        chosen: set[int] = set()
        for number, (low, high) in enumerate(run.spans, 1):
            needed = [m for m in self._needed if low <= m.start < high]
            ends = any(low <= m.start < high and m.following is None for m in inside)
            if ends or any(
                m.frame != run.frame or not {c.name for c in m.changes if self._decides(m, c.name)} <= listed_names
                for m in needed
            ):
                chosen.add(number)
        return chosen

    def _decides(self, moment: Moment, name: str) -> bool:
        return (moment.index, name) in self.deciding.changes

    def _of(self, run: LoopRun, number: int, inside: list[Moment]) -> list[Moment]:
        low, high = run.spans[number - 1]
        return [m for m in inside if low <= m.start < high]

    def _iteration(self, loop: Loop, run: LoopRun, number: int, inside: list[Moment], indent: int) -> list[str]:
        moments = self._of(run, number, inside)
        head = f"{'  ' * indent}Iteration {number}"
        if self._nested:
            head += f" of the loop on L{loop.line}"
        header = moments[0]
        if header.line == loop.line:
            bound = [f"`{name}` is {value}" for name in loop.targets if is_tellable(value := header.after().get(name))]
            test = ""
            if loop.kind == "while" and not loop.endless:
                test = f"[L{loop.line}] {truth(self.rng, self.timeline, header, loop.subject)}"
            told = listed(bound) if bound else test
            body = moments[1:]
        else:
            told, body = "", moments
        self._said = frozenset(loop.targets)
        lines = self._calls(header, indent + 1) if loop.kind == "while" and header.line == loop.line else []
        lines += self._block(body, indent + 1)
        self._said = frozenset()
        first = f"{head}: {told}." if told else f"{head}."
        flat = " ".join(line.strip() for line in lines)
        if len(lines) <= 2 and len(flat) < 160 and not any("Iteration" in line for line in lines):
            return [f"{first} {flat}".rstrip()]
        return [first, *lines]

    def _meanwhile(self, run: LoopRun, inside: list[Moment], indent: int, told: set[str]) -> list[str]:
        """The values that the loop's deciding variables run through, where they are short; once for each variable."""
        lines: list[str] = []
        for name, values in self._changing(run, inside):
            if name not in told and self._is_listable(values):
                told.add(name)
                listing = ", ".join(values[:-1]) + " and " + values[-1]
                verb = self.rng.choice(("takes", "runs through"))
                lines.append(f"{'  ' * indent}Over the loop `{name}` {verb} the values {listing}.")
        return lines

    def _changing(self, run: LoopRun, inside: list[Moment]) -> list[tuple[str, list[str]]]:
        """The deciding variables of a loop's run, other than its own, with the values they take in it."""
        within = {moment.index for moment in inside}
        names = sorted({name for index, name in self.deciding.changes if index in within and name in self._wanted})
        found: list[tuple[str, list[str]]] = []
        for name in names:
            if name in self._targets:
                values = [value for _, value in self.timeline.turns(name, inside)]
            else:
                spans = self.timeline.spans.get(name, ())
                values = [s.value for s in spans if s.frame == run.frame and run.start < s.start <= run.end]
            if name not in self.source.loops[run.line].targets:
                found.append((name, values))
        return found

    def _is_listable(self, values: list[str]) -> bool:
        fewest = 2 if self.level == MAX_LEVEL else 4
        short = len(values) >= fewest and sum(map(len, values)) <= _LISTED[self.level]
        return short and all(map(is_tellable, values))

    # Statements

    def _statement(self, moment: Moment, indent: int) -> list[str]:
        if not self._matters(moment):
            return []
        lines = self._calls(moment, indent)
        words = self._words(moment)
        self._said -= {c.name for c in moment.changes}
        if words:
            back = "back here, " if lines and self._told_frames else ""
            lines.append(self._line(indent, moment, back + words))
        return lines

    def _matters(self, moment: Moment) -> bool:
        if moment.index in self.deciding.moments:
            return True
        statement = self.source.statements.get(moment.line)
        return isinstance(statement, (ast.If, ast.Break, ast.Continue)) and moment.line in self._lines

    def _words(self, moment: Moment) -> str:
        statement = self.source.statements.get(moment.line)
        raised = self._raised(moment)
        if raised:
            return raised
        if isinstance(statement, ast.If):
            return self._branch(moment)
        if isinstance(statement, ast.Return):
            return self._worked(moment, statement.value, self._return(moment, statement))
        if isinstance(statement, ast.Break):
            return self.rng.choice(("`break` leaves the loop", "`break` ends the loop early"))
        if isinstance(statement, ast.Continue):
            return "`continue` goes straight to the next round"
        names = [c.name for c in moment.changes if (moment.index, c.name) in self.deciding.changes]
        if not names and moment.changes:
            names = [c.name for c in moment.changes if is_tellable(c.value)][:1]
        told = change(self.rng, self.timeline, moment, names) if names or statement is not None else ""
        return self._worked(moment, getattr(statement, "value", None), told)

    def _worked(self, moment: Moment, expression: object, told: str) -> str:
        """What is told of a statement, after the inner steps of the expression that it computes."""
        if not told or self.level > 1 or not isinstance(expression, ast.expr) or isinstance(expression, ast.Tuple):
            return told
        parts = [step for step in steps(self.timeline, expression, moment.before) if step not in told]
        for step in numbered(self.timeline, expression, moment.before):
            if step not in self._numbered:
                self._numbered.add(step)
                parts.insert(0, step)
        return f"{', '.join(parts)}{' and ' if told.startswith('`') else ', so '}{told}" if parts else told

    def _raised(self, moment: Moment) -> str:
        events = self.timeline.trace.events
        event = events[moment.end] if moment.end < len(events) else None
        if event is None or event.kind != "exception" or event.frame != moment.frame:
            return ""
        kind, following = kind_of(event.value or ""), moment.following
        called = [frame for frame in self.timeline.frames.values() if frame.parent is moment]
        if moment.line not in self.source.statements:
            raised = f"`{kind}` passes through this line"
        elif any(frame.raised and not is_inner(frame.function) for frame in called):
            raised = f"`{kind}` comes out of that call"
        else:
            raised = f"this raises `{kind}`"
        if following is not None:
            return f"{raised}, so control moves to L{following.line}"
        uncaught = self.rng.choice(("nothing here catches it", "no handler here takes it"))
        return f"{raised}; {uncaught}, so {'the' if moment.frame == 0 else 'this'} call ends with `{kind}`"

    def _branch(self, moment: Moment) -> str:
        branch = self.source.branches[moment.line]
        follows = self._consequence(moment)
        verdict = truth(self.rng, self.timeline, moment, branch.test, self._said, bool(follows))
        return " and ".join(part for part in (verdict, follows) if part)

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
        for frame in self._children.get(moment.index, ()):
            call = spelled(self.timeline, frame)
            if not call:
                continue
            self._told_frames += 1
            needed = any(frame.call <= m.start <= frame.end for m in self._needed)
            dead = not any(m.index in self.deciding.moments for m in frame.moments)
            if not needed and (dead or self._told_frames > _FRAMES[self.level]):
                if frame.raised:
                    lines.append(self._line(indent, moment, f"`{call}` ends with `{kind_of(frame.raised)}`"))
                elif is_tellable(frame.returned):
                    lines.append(self._line(indent, moment, f"`{call}` returns {frame.returned}"))
                continue
            lines.append(self._line(indent, moment, f"this calls `{call}`"))
            lines += self._block(frame.moments, indent + 1)
            if moment.iterations and any(m.iterations for m in frame.moments):
                line, number = moment.iterations[-1]
                lines.append(f"{'  ' * indent}Back in iteration {number} of the loop on L{line}:")
        return lines

    def _line(self, indent: int, moment: Moment, words: str) -> str:
        text = words if words[:1] in "`'\"[({" or not words[:1].isalpha() else words[0].upper() + words[1:]
        return f"{'  ' * indent}[L{moment.line}] {text}."


def _needed(timeline: Timeline) -> list[Moment]:
    """The statements that a covering text cannot leave out: each deciding group's first, second and last."""
    indices = {
        index
        for visits in groups(timeline).values()
        for index in (visits[0], visits[min(1, len(visits) - 1)], visits[-1])
    }
    return [timeline.moments[index] for index in sorted(indices)]


def spelled(timeline: Timeline, frame: Frame) -> str:
    """The call that a frame is, with its argument values: "fact(2)"; "fact(...)" where a value is long or no literal.

    "" for what has no name of its own: a lambda, the body of a class.
    """
    definition = timeline.source.function(frame.function)
    if definition is None:
        return ""
    names = [argument.arg for argument in (*definition.args.posonlyargs, *definition.args.args)]
    values = [frame.arguments.get(name) for name in names]
    if not all(map(is_tellable, values)) or any(len(value or "") > 80 or "`" in (value or "") for value in values):
        return f"{definition.name}(...)"
    return f"{definition.name}({', '.join(value or '' for value in values)})"
