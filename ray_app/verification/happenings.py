"""Claims about what happens: calls, returns, exceptions, iterations, branches, cases; held against a place in the
record."""

import ast
from collections.abc import Sequence

from ray_app.claims.claim import Claim
from ray_app.claims.code import normal, parsed
from ray_app.semantics.record import Frame, Step
from ray_app.verification.code import condition_of, governing, written
from ray_app.verification.facts import FOREVER, Facts, Spot
from ray_app.verification.finding import UNKNOWN, Finding
from ray_app.verification.known import value_of
from ray_app.verification.match import matches, nodes_like, same, shown
from ray_app.verification.states import equal


def line(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """The line runs."""
    return Finding(True, f"L{spot.step.line} runs" if spot.step else "runs", spot.start, FOREVER)


def call(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A function is called: by its name, or with the arguments that the claim spells."""
    if spot.kind == "step" and claim.tense != "first":
        return _calls_here(facts, claim, spot)
    if spot.kind != "call":
        return UNKNOWN
    holds = _is_call_of(facts, claim.subject, spot.frame, spot)
    return Finding(holds, f"{spot.frame.function} is called with {_shown_arguments(spot.frame)}", spot.start)


def _calls_here(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    assert spot.step is not None
    seen = [facts.calls[frame.serial] for frame in facts.callees.get(spot.step.index, ())]
    meant = [entered for entered in seen if _is_call_of(facts, claim.subject, entered.frame, spot)]
    if meant:
        shown_call = f"{meant[0].frame.function}({_shown_arguments(meant[0].frame)}) is called"
        return Finding(True, shown_call, meant[0].start - 0.05, meant[-1].start - 0.05)
    if matches(facts, claim.subject, spot.step, facts.state(spot)):
        return Finding(True, f"{claim.subject} is evaluated", spot.start, spot.end)
    return Finding(False, "no such call", spot.end) if seen else UNKNOWN


def _shown_arguments(frame: Frame) -> str:
    return ", ".join(f"{name}={text}" for name, text in frame.arguments.items())


def _is_call_of(facts: Facts, subject: str, frame: Frame, spot: Spot) -> bool:
    node = parsed(subject)
    if isinstance(node, (ast.Name, ast.Attribute)):
        return is_named(frame, ast.unparse(node))
    if not isinstance(node, ast.Call) or not is_named(frame, ast.unparse(node.func)):
        return False
    state = facts.state(spot)
    names = list(frame.arguments)
    if names and names[0] in ("self", "cls") and len(node.args) < len(names):
        names = names[1:]
    given = dict(zip(names, node.args, strict=False)) | {word.arg: word.value for word in node.keywords if word.arg}
    return len(node.args) <= len(names) and all(
        equal(text, frame.arguments.get(name))
        for name, piece in given.items()
        if (text := _given(piece, state)) is not None
    )


def _given(piece: ast.expr, state: object) -> str | None:
    text = shown(piece)
    return text if text is not None else value_of(ast.unparse(piece), state)  # type: ignore[arg-type]


def is_named(frame: Frame, name: str) -> bool:
    """Whether a frame is one of a function of this name: its own, or with what it is defined in."""
    own = frame.function.replace(".<locals>", "")
    return own == name or own.endswith(f".{name}") or name.endswith(f".{own.split('.')[-1]}")


def returns(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A value is returned: where the statement runs, or with the last step of the frame."""
    frame, step = spot.frame, spot.step
    if step is None or spot.kind == "call":
        return UNKNOWN
    if claim.subject and not is_named(frame, claim.subject):
        return UNKNOWN
    node = facts.run.source.nodes[step.node]
    if claim.other == "waits":
        return _waits(facts, claim, spot, node)
    if frame.end != "return":
        return Finding(False, f"{frame.function} does not return", spot.end)
    is_last = frame.steps[-1] == step.index
    if spot.kind == "loop end":  # the last thing that ran is the loop's head, which found no item
        is_last = facts.begun_at[frame.steps[-1]] < spot.start
    if not is_last and not isinstance(node, ast.Return):
        return UNKNOWN
    if not is_last and any(
        facts.run.steps[index].kind == "statement"
        and isinstance(facts.run.source.nodes[facts.run.steps[index].node], ast.Return)
        for index in frame.steps
        if index > step.index
    ):
        return UNKNOWN
    over = facts.frame_ended_at[frame.serial]
    holds = equal(claim.value, frame.value)
    return Finding(holds, f"{frame.function} returns {frame.value}", over, right="" if holds else frame.value or "")


def _waits(facts: Facts, claim: Claim, spot: Spot, node: ast.AST) -> Finding:
    if not isinstance(node, ast.Return) or spot.step is None:
        return UNKNOWN
    if node.value is None:
        return Finding(claim.value == "None", "None", spot.end)
    evaluation = facts.run.evaluation_in(spot.step, facts.run.source.id_of(node.value))
    text = evaluation.value if evaluation else shown(node.value)
    return Finding(equal(claim.value, text), f"the value is {text}", spot.end)


def yields(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A generator yields a value, or is resumed."""
    if spot.step is None or spot.kind != "step" or (claim.subject and not is_named(spot.frame, claim.subject)):
        return UNKNOWN
    if claim.other == "resumed":
        again = facts.crossings(spot.frame, "resume", spot)
        return Finding(True, "resumed", again[0][0], again[-1][0]) if again else UNKNOWN
    seen = facts.crossings(spot.frame, "yield", spot)
    at = next((at for at, text in seen if equal(claim.value, text)), None)
    if at is not None:
        return Finding(True, f"yields {claim.value}", at)
    return Finding(False, f"yields {', '.join(str(text) for _, text in seen)}", spot.end) if seen else UNKNOWN


def raises(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """An exception leaves a step: its type and, where stated, its message; raised by the code that is named."""
    step = spot.step
    if step is None or spot.kind != "step":
        return UNKNOWN
    if step.raised is None:
        return Finding(False, f"L{step.line} raises nothing", spot.end)
    if not is_exception(claim.subject, step.raised):
        return Finding(False, f"L{step.line} raises {step.raised}", spot.end)
    for piece in (claim.other, *claim.items):
        if piece and not _is_part(facts, piece, step):
            return Finding(False, f"{piece} is not what raises it", spot.end)
    return Finding(True, f"L{step.line} raises {step.raised}", facts.raised_at(step))


def _is_part(facts: Facts, piece: str, step: Step) -> bool:
    """Whether a piece is code of the step, or that code with values put in."""
    source = facts.run.source
    # An iteration of a comprehension evaluates all of it.
    whole = source.parent(step.node) if step.kind == "comprehension" else step.node
    if any(number == whole or whole in source.ancestors(number) for number in nodes_like(source, piece)):
        return True
    node = parsed(piece)
    own, value = source.text(whole), shown(node) if node is not None else None
    if node is None:
        return normal_code(piece) in normal_code(own)
    from ray_app.verification.match import _Fit  # pyright: ignore[reportPrivateUsage]

    fit = _Fit(facts, step, 1 << 60, {**step.before, **dict(step.bound)})
    parts = [part for part in ast.walk(source.nodes[whole]) if isinstance(part, ast.expr)]
    if value is not None and any(fit.value_of(part) == value for part in parts):
        return True
    inside = (part for part in ast.walk(source.nodes[whole]) if type(part) is type(node))
    return any(fit.fits(node, part) for part in inside) or isinstance(source.nodes[step.node], ast.AugAssign)


def normal_code(text: str) -> str:
    """Code without its spaces."""
    return "".join(text.split()).rstrip(":")


def is_exception(stated: str, recorded: str) -> bool:
    """Whether a stated "Type" or "Type: message" is the recorded one; a stated first line of a message will do."""
    kind, _, message = stated.partition(":")
    own, _, own_message = recorded.partition(":")
    if kind.split(".")[-1].strip() != own.split(".")[-1].strip():
        return False
    message, own_message = message.strip(), own_message.strip()
    return (
        not message
        or own_message.startswith(f"{message};")
        or message == own_message
        or message == own_message.split("\n")[0].strip()
        or normal(message) == normal(own_message)
    )


def catches(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A handler takes an exception, or does not."""
    source = facts.run.source
    if spot.kind == "passed":
        header = _header(source.text(spot.node))
        holds = claim.negated and (not claim.other or normal_code(claim.other) == normal_code(header))
        return Finding(holds, f"{header} does not catch it", spot.start)
    if spot.step is None or spot.step.kind != "handler":
        return UNKNOWN
    header = _header(source.text(spot.step.node))
    if claim.negated or (claim.other not in ("", "except") and normal_code(claim.other) != normal_code(header)):
        return Finding(False, f"{header} catches it", spot.start)
    return Finding(True, f"{header} catches it", spot.start)


def _header(text: str) -> str:
    return text.split(":")[0].strip()


def finally_(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A `finally` block is entered."""
    if spot.step is None or spot.step.kind != "finally":
        return UNKNOWN
    return Finding(True, f"the finally block of L{spot.step.line} runs", spot.start)


def leaves(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """An exception leaves a function."""
    if spot.step is None or not is_named(spot.frame, claim.subject.partition("(")[0]):
        return UNKNOWN
    if spot.frame.end != "raise" or spot.frame.value is None:
        return Finding(False, f"no exception leaves {spot.frame.function}", spot.end)
    is_there = spot.step.raised is not None or spot.frame.steps[-1] == spot.step.index
    holds = is_there and (not claim.value or is_exception(claim.value, spot.frame.value))
    return Finding(holds, f"{spot.frame.value} leaves {spot.frame.function}", facts.frame_ended_at[spot.frame.serial])


def iteration(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """An iteration begins here, or runs here."""
    step = spot.step
    if step is None or spot.kind != "step":
        return UNKNOWN
    named = [number for loop, number in step.loops if claim.line and facts.run.source.line(loop) == claim.line]
    if named and not claim.items:
        return Finding(claim.number in named, f"iteration {named[-1]} of the loop on L{claim.line}", spot.start)
    wanted = (claim.number, *map(int, claim.items))
    numbers = tuple(number for _, number in step.loops[-len(wanted) :])
    if step.kind in ("iteration", "comprehension"):
        holds = numbers == wanted and (claim.other == "comprehension") == (step.kind == "comprehension")
        return Finding(holds, f"iteration {'.'.join(map(str, numbers))} begins", spot.start)
    if step.kind == "test":
        begins = numbers == wanted and _condition_of(facts, step) is True
        if numbers == wanted and not begins and not facts.strict:
            return UNKNOWN  # the test that ends the loop, counted as one more
        return Finding(begins, f"test {numbers[-1]} of the loop", spot.start)
    if claim.tense == "first":
        return Finding(False, f"no iteration begins at L{step.line}", spot.start)
    inside = any(number == claim.number for _, number in step.loops)
    return Finding(inside, f"iterations {[number for _, number in step.loops]}", spot.start) if step.loops else UNKNOWN


def _condition_of(facts: Facts, step: Step) -> bool | None:
    condition = condition_of(facts.run.source.nodes[step.node])
    return facts.run.truth_of(step, condition) if condition is not None else None


def count(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A loop runs so many times; said where it ends, at its test that fails, or at its statement."""
    step = spot.step
    if step is None:
        return UNKNOWN
    entries = [entry for entry in facts.entries.get(step.node, ()) if entry.frame == step.frame]
    if spot.kind == "loop end":
        entries = [entry for entry in entries if entry.step is step]
    elif step.kind == "test":
        if claim.tense == "end" and _condition_of(facts, step) is not False:
            return Finding(False, "the loop does not end here", spot.start)
        entries = [entry for entry in entries if entry.step.index < step.index][-1:]
    elif step.kind == "statement":
        if claim.tense == "end":
            return UNKNOWN
        entries = [entry for entry in entries if entry.step is step]
    else:
        return UNKNOWN
    if not entries:
        return UNKNOWN
    if claim.tense == "end" and _ends_by_exception(facts, step, entries[-1].begins):
        return Finding(False, "an exception ends the loop", spot.start)
    holds = any(len(entry.begins) == claim.number for entry in entries)
    at = spot.start if claim.tense != "end" else spot.end
    number = len(entries[-1].begins)
    return Finding(holds, f"the loop runs {number} times", at, right="" if holds else str(number))


def _ends_by_exception(facts: Facts, loop: Step, begins: Sequence[float]) -> bool:
    """Whether asking for the next item raised something."""
    iterations = facts.run.steps_of(loop.node, "iteration")
    return any(step.raised is not None and facts.begun_at[step.index] in begins[-1:] for step in iterations)


def stop(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """`break` or `continue`, in this iteration of this loop."""
    step = spot.step
    if step is None or spot.kind != "step":
        return UNKNOWN
    node = facts.run.source.nodes[step.node]
    if not isinstance(node, ast.Break if claim.subject == "break" else ast.Continue):
        return Finding(False, f"L{step.line} is no {claim.subject}", spot.start)
    if not step.loops:
        return UNKNOWN
    loop, number = step.loops[-1]
    holds = claim.number in (0, number) and claim.line in (0, facts.run.source.line(loop))
    return Finding(holds, f"it is iteration {number} of the loop on L{facts.run.source.line(loop)}", spot.start)


def goes_on(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A line runs next."""
    if spot.step is None:
        return UNKNOWN
    following = _following(facts, spot.step)
    holds = any(step.line == claim.line for step in following)
    return Finding(holds, f"L{following[0].line} runs next" if following else "nothing runs next", spot.end)


def _following(facts: Facts, step: Step) -> list[Step]:
    """The steps that may be meant by what runs next: of the frame, of the run, and where a loop is asked again."""
    run = facts.run
    found = [after for after in (run.next_in_frame(step),) if after is not None]
    if step.index + 1 < len(run.steps):
        found.append(run.steps[step.index + 1])
    if facts.run.frames[step.frame].steps[-1] == step.index and run.frames[step.frame].caller is not None:
        found.append(run.steps[run.frames[step.frame].caller or 0])
    return found


def skips(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A line does not run next."""
    if spot.step is None or not claim.line:
        return UNKNOWN
    following = _following(facts, spot.step)[:1]
    return Finding(
        all(step.line != claim.line for step in following),
        f"L{following[0].line} runs next" if following else "",
        spot.end,
    )


def branch(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """The way that a statement goes: its body, its `else`, or the operand that a conditional expression chooses."""
    step = spot.step
    if step is None:
        return UNKNOWN
    if claim.other:
        return _chosen(facts, claim, spot)
    node = facts.run.source.nodes[step.node]
    if spot.kind == "loop end":
        return _else_of_loop(facts, claim, spot, node)
    if not isinstance(node, ast.If):
        above = governing(facts.run.source, step.node)
        if above is None:
            return UNKNOWN
        runs = "if" if above[1] else "else"
        return Finding((runs == claim.subject) != claim.negated, f"L{step.line} is in the {runs} branch", spot.start)
    taken = facts.run.truth_of(step, node.test)
    if taken is None:
        return UNKNOWN
    runs = "if" if taken else "else"
    return Finding((runs == claim.subject) != claim.negated, f"the condition on L{step.line} is {taken}", spot.end)


def _else_of_loop(facts: Facts, claim: Claim, spot: Spot, node: ast.AST) -> Finding:
    body = getattr(node, "orelse", [])
    lines = {part.lineno for part in body}
    ran = any(
        step.line in lines and facts.begun_at[step.index] >= spot.end
        for step in facts.run.steps
        if step.frame == spot.frame.serial
    )
    return Finding(
        ran != claim.negated, f"the else block of L{spot.step.line if spot.step else 0} runs: {ran}", spot.end
    )


def _chosen(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    assert spot.step is not None
    nodes, wanted = facts.run.source.nodes, parsed(claim.other)
    for evaluation in facts.evaluations(spot.step):
        choice = nodes[facts.run.source.parent(evaluation.node)]
        if isinstance(choice, ast.IfExp) and choice.test is nodes[evaluation.node] and evaluation.truth is not None:
            chosen = choice.body if evaluation.truth else choice.orelse
            if same(wanted, chosen):
                return Finding(True, f"{claim.other} is chosen", facts.evaluated_at[evaluation.index])
    return Finding(False, f"{claim.other} is not chosen", spot.end)


def case(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A pattern matches, or does not."""
    source = facts.run.source
    node = (
        spot.node
        if spot.kind == "passed"
        else spot.step.node
        if spot.step is not None and spot.step.kind == "case"
        else -1
    )
    if node < 0 or not isinstance(source.nodes[node], ast.match_case):
        return UNKNOWN
    text = source.text(node)
    is_it = not claim.other or _is_pattern(claim.other, text)
    holds = is_it and claim.negated == (spot.kind == "passed")
    return Finding(holds, f"case {text} {'does not match' if spot.kind == 'passed' else 'matches'}", spot.start)


def _is_pattern(stated: str, text: str) -> bool:
    """The whole pattern, with or without its guard."""
    stated, text = normal_code(stated), normal_code(text)
    return stated == text or text.startswith(stated + "if")


def last(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """The name gets its last value here: nothing in the run writes it later."""
    step = spot.step
    if step is None or spot.kind != "step":
        return UNKNOWN
    if not facts.changes(step, claim.subject) and claim.subject not in written(facts.run.source, step.node):
        return Finding(False, f"L{step.line} does not write {claim.subject}", spot.start)
    later = [
        other.line
        for other in facts.run.steps[step.index + 1 :]
        if other.frame == step.frame and (facts.changes(other, claim.subject) or _assigns(facts, other, claim.subject))
    ]
    return Finding(
        not later, f"L{later[-1]} writes {claim.subject} later" if later else "nothing writes it later", spot.end
    )


def _assigns(facts: Facts, step: Step, name: str) -> bool:
    return step.kind != "test" and name in written(facts.run.source, step.node) and step.kind == "statement"


def argument(facts: Facts, claim: Claim, spot: Spot) -> Finding:
    """A call was given these values, in this order."""
    if spot.kind != "call":
        return UNKNOWN
    given = list(spot.frame.arguments.values())
    holds = len(claim.items) <= len(given) and all(
        equal(text, own) for text, own in zip(claim.items, given, strict=False)
    )
    return Finding(holds, f"the arguments are {_shown_arguments(spot.frame)}", spot.start)
