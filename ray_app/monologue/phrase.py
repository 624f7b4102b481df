"""The words for one executed statement: what it computes from which values, and what it changes.

Each function returns one sentence part without its line label, in words that the claim grammar reads, chosen among
equals by the caller's random generator so that the same seed gives the same text.
"""

import ast
import functools
import random
import re
import string
from collections.abc import Sequence

from ray_app.monologue.evaluate import Unknown, names_in, parse_expression, parse_value, show, unparsed
from ray_app.monologue.timeline import Moment, Timeline

_LONG = 100
_SHORT = 48
_TOKEN = re.compile(r"[^\W\d_]{1,5}|\d|[^\w\s]|_+|\n")
_WORD = re.compile(r"[A-Za-z]+")
_UNDERSCORES = re.compile(r"_+")
_NO_SIGNS = (string.ascii_letters + "_ \t\r\v\f\x1c\x1d\x1e\x1f").encode()


def tokens(text: str) -> int:
    """An honest estimate of a code model's tokens without its tokenizer: each sign and digit one, words by fives.

    Within about 15 % of byte-pair vocabularies of 50,000 or more on this kind of text, more often above than below.
    """
    if not text.isascii():
        return len(_TOKEN.findall(text))
    words = sum([(len(word) + 4) // 5 for word in _WORD.findall(text)])
    underscores = len(_UNDERSCORES.findall(text)) if "_" in text else 0
    return words + underscores + len(text.encode().translate(None, _NO_SIGNS))


def known(timeline: Timeline, expression: ast.expr, state: dict[str, str]) -> str | None:
    """The canonical value of an expression in a state, None where it is unknown or no literal."""
    told = timeline.told.get((expression, id(state)))
    if told is None or told[0] is not state:
        told = timeline.told[expression, id(state)] = (state, _known(timeline, expression, state))
    return told[1]


def _known(timeline: Timeline, expression: ast.expr, state: dict[str, str]) -> str | None:
    try:
        value = show(timeline.value(expression, state))
    except Unknown:
        return None
    return value if is_tellable(value) else None


def is_tellable(value: str | None) -> bool:
    """Whether a value is a literal that a text can state whole."""
    if value is None:
        return False
    try:
        parse_value(value)
    except Unknown:
        return False
    return True


def listed(parts: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def code(node: ast.AST | str) -> str:
    """A code span; empty where the text could not stand in one."""
    text = node if isinstance(node, str) else unparsed(node)
    return f"`{text}`" if "`" not in text and "\n" not in text else ""


def working(timeline: Timeline, expression: ast.expr, state: dict[str, str]) -> str:
    """How an expression comes to its value: "`a // 10` is 12 // 10 = 1", or "" where its value says it all."""
    value = known(timeline, expression, state)
    span = code(expression)
    if (
        value is None
        or not span
        or isinstance(expression, ast.Name)
        or _has_no_name(expression)
        or len(value) > _LONG
        or same_text(span, value)
    ):
        return ""
    filled = _filled(expression, state)
    if filled and len(filled) <= _SHORT:
        return f"{span} is {filled} = {value}"
    return f"{span} is {value}"


@functools.lru_cache(maxsize=4_096)
def _has_no_name(expression: ast.expr) -> bool:
    """Displays of constants, `list()` and their like, whose value needs no working."""
    called = [node.func for node in ast.walk(expression) if isinstance(node, ast.Call) and not node.args]
    return not any(isinstance(node, ast.Name) and node not in called for node in ast.walk(expression))


def same_text(span: str, value: str) -> bool:
    """Whether a code span spells its own value, as `[]` does."""
    return span.strip("`").replace('"', "'") == value


def _filled(expression: ast.expr, state: dict[str, str]) -> str:
    """A flat sum or product with its names replaced by their plain values; "" for anything else."""
    if not isinstance(expression, ast.BinOp):
        return ""
    operands = [expression.left, expression.right]
    texts = [_atom(operand, state) for operand in operands]
    if not all(texts) or all(isinstance(operand, ast.Constant) for operand in operands):
        return ""
    sign = _SIGNS.get(type(expression.op))
    return f"{texts[0]} {sign} {texts[1]}" if sign else ""


_SIGNS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}


def _atom(operand: ast.expr, state: dict[str, str]) -> str:
    text = ""
    if isinstance(operand, ast.Constant):
        text = show(operand.value)
    elif isinstance(operand, ast.Name):
        text = state.get(operand.id, "")
    return text if re.fullmatch(r"\d+|\d+\.\d+|'[^'\\]*'", text) else ""


def inputs(timeline: Timeline, expression: ast.expr, moment: Moment, limit: int = 2) -> str:
    """The values of the names an expression reads: "`a` is 12 and `b` is 3"; "" where there are none worth telling."""
    names = names_in(expression)
    parts = [
        f"`{name}` is {moment.before[name]}"
        for name in names
        if name in moment.before and is_tellable(moment.before[name]) and len(moment.before[name]) <= _SHORT
    ]
    return listed(parts) if 0 < len(parts) <= limit else ""


def change(rng: random.Random, timeline: Timeline, moment: Moment, names: Sequence[str], stepped: bool = False) -> str:
    """What a statement does to the variables that matter: first its own target, then what it changed besides.

    `stepped`: the inner steps of its expression are told before, so that the values that it reads need not be.
    """
    first, own = _own_change(rng, timeline, moment, names, stepped)
    besides = [told for name in names if name != own and (told := plain(rng, moment, name))]
    if own is None:
        subscript = _subscript(timeline, moment, timeline.source.statements.get(moment.line))
        return (subscript + ", so " if subscript and besides else subscript) + (listed(besides) if besides else "")
    return f"{first}, and {listed(besides)}" if ", now " in first and besides else listed([first, *besides])


def _own_change(
    rng: random.Random, timeline: Timeline, moment: Moment, names: Sequence[str], stepped: bool
) -> tuple[str, str | None]:
    """What the statement does to the one variable that it is about, and that variable; ("", None) for other
    statements.
    """
    statement = timeline.source.statements.get(moment.line)
    told, name = "", ""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        name = statement.target.id
        told = _augmented(rng, timeline, moment, statement)
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        if isinstance(target, ast.Name) and target.id in names:
            name = target.id
            told = _assigned(rng, timeline, moment, name, statement.value, stepped)
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            name = function.value.id
            told = _called(rng, timeline, moment, statement.value)
    return (told, name) if told else ("", None)


def plain(rng: random.Random, moment: Moment, name: str) -> str:
    """What a variable is after a statement, "" where that cannot be told."""
    after = moment.after().get(name)
    if after is None or not is_tellable(after):
        return ""
    if moment.before.get(name) == after:
        return f"`{name}` stays {after}"
    if name not in moment.before:
        return f"`{name}` {rng.choice(('starts as', 'becomes', 'is set to'))} {after}"
    return f"`{name}` {rng.choice(('becomes', 'is now', 'changes to'))} {after}"


def _assigned(rng: random.Random, timeline: Timeline, moment: Moment, name: str, value: ast.expr, stepped: bool) -> str:
    after = moment.after().get(name)
    if after is None or not is_tellable(after):
        return ""
    work = working(timeline, value, moment.before)
    if moment.before.get(name) == after:
        return (f"{work}, so " if work else "") + f"`{name}` stays {after}"
    if not work:
        return plain(rng, moment, name)
    if " = " in work or (len(after) <= _SHORT and rng.random() < 0.5):
        return f"{work}, so `{name}` {rng.choice(('becomes', 'is now', 'is set to'))} {after}"
    if rng.random() < 0.5 and not isinstance(value, (ast.BoolOp, ast.Compare, ast.IfExp)):
        return f"`{name}` becomes {code(value)}, which is {after}"
    given = "" if stepped else inputs(timeline, value, moment)
    return (f"{given}, so " if given else "") + f"{code(value)} makes `{name}` equal to {after}"


def _augmented(rng: random.Random, timeline: Timeline, moment: Moment, statement: ast.AugAssign) -> str:
    assert isinstance(statement.target, ast.Name)
    name = statement.target.id
    before, after = moment.before.get(name), moment.after().get(name)
    if before is None or after is None or not (is_tellable(before) and is_tellable(after)):
        return ""
    amount = known(timeline, statement.value, moment.before)
    reason = ""
    span = code(statement.value)
    if amount is not None and len(amount) <= _SHORT and span and not same_text(span, amount):
        reason = f"{span} is {amount}, so "
    if before == after:
        return f"{reason}`{name}` stays {after}"
    if len(before) + len(after) <= 2 * _SHORT:
        verb = "goes"
        if isinstance(statement.op, (ast.Add, ast.Sub)) and re.fullmatch(r"-?[\d.]+", before):
            verb = rng.choice(("goes", "rises" if parse_value(after) > parse_value(before) else "drops"))
        return f"{reason}`{name}` {verb} from {before} to {after}"
    return f"{reason}`{name}` becomes {after}"


_SUBJECT_ADDED = {"append": "is appended to", "add": "is added to", "insert": "is inserted into"}


def _called(rng: random.Random, timeline: Timeline, moment: Moment, call: ast.Call) -> str:
    """`xs.append(v)` and its like, told by what moved and what is there now."""
    if not (isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)):
        return ""
    name, method = call.func.value.id, call.func.attr
    before, after = moment.before.get(name), moment.after().get(name)
    if before is None or after is None or not is_tellable(after) or not is_tellable(before):
        return ""
    span = code(call)
    if before == after:
        return f"{span} leaves `{name}` as {after}" if span else f"`{name}` stays {after}"
    item = known(timeline, call.args[-1], moment.before) if call.args else None
    if (
        method in _SUBJECT_ADDED
        and _has_one_more(before, after)
        and item is not None
        and not same_text(code(call.args[-1]), item)
    ):
        now = f", now {after}" if len(after) <= _LONG else _grown(name, after)
        return f"{item} {_SUBJECT_ADDED[method]} `{name}`{now}"
    if method == "remove" and item is not None:
        return f"{item} is removed from `{name}`, now {after}"
    if not span or rng.random() < 0.3:
        return f"`{name}` becomes {after}"
    return f"{span} {rng.choice(('leaves', 'makes'))} `{name}` equal to {after}"


def _has_one_more(before: str, after: str) -> bool:
    """Whether nothing but one element can have come to a collection."""
    old, new = parse_value(before), parse_value(after)
    return isinstance(old, (list, set)) and isinstance(new, (list, set)) and len(new) == len(old) + 1


def _grown(name: str, after: str) -> str:
    return f", and `len({name})` is now {len(parse_value(after))}"


def _subscript(timeline: Timeline, moment: Moment, statement: ast.stmt | None) -> str:
    """`d[k] = v` told by the element: "`d['a']` becomes 1"."""
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    if not (isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)) or isinstance(
        target.slice, ast.Slice
    ):
        return ""
    key = known(timeline, target.slice, moment.after())
    value = known(timeline, target, moment.after())
    if key is None or value is None or len(key) + len(value) > 2 * _SHORT or "`" in key:
        return ""
    return f"`{target.value.id}[{key}]` becomes {value}"


def truth(
    rng: random.Random,
    timeline: Timeline,
    moment: Moment,
    test: str,
    said: frozenset[str] = frozenset(),
    more: bool = False,
) -> str:
    """A test with its outcome and the values behind it: "`len(s)` is 3, so `len(s) > 2` is True".

    Values of the names in `said` are left out: the text has just given them. `more`: a consequence will follow.
    """
    node = parse_expression(test)
    span = code(test)
    if not span or moment.outcome is None:
        return ""
    shown = _known_truth(timeline, node, moment)
    decides = "" if shown in ("True", "False") else f", so the test {'holds' if moment.outcome else 'fails'}"
    verdict = f"{span} is {shown}{decides}"
    parts: list[str] = []
    if isinstance(node, ast.Compare):
        sides = [side for side in (node.left, *node.comparators) if not _has_no_name(side)]
        for side in sides:
            value = known(timeline, side, moment.before)
            if (
                value is not None
                and unparsed(side) not in said
                and len(value) <= _SHORT
                and code(side)
                and not same_text(code(side), value)
            ):
                parts.append(f"{code(side)} is {value}")
    elif not isinstance(node, ast.Name) and said.isdisjoint(names_in(node)):
        given = inputs(timeline, node, moment, 1)
        parts = [given] if given else []
    return _joined(rng, parts, verdict, more) if 0 < len(parts) <= 2 else verdict


def _joined(rng: random.Random, parts: list[str], verdict: str, more: bool) -> str:
    if more or rng.random() < 0.7:
        return f"{listed(parts)}, so {verdict}"
    return f"{verdict}, because {listed(parts)}"


def _is_truth_value(node: ast.expr) -> bool:
    """Whether an expression is True or False and nothing else that counts as such, as far as its form tells."""
    if isinstance(node, ast.BoolOp):
        return all(_is_truth_value(part) for part in node.values)
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return name.startswith("is") or name in ("startswith", "endswith", "any", "all", "bool", "callable", "hasattr")
    return isinstance(node, ast.Compare) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not))


def _known_truth(timeline: Timeline, node: ast.expr, moment: Moment) -> str:
    """True or False, or the test's own value where that is something else: "an empty list" in short."""
    value = known(timeline, node, moment.before)
    if value is None:
        return str(moment.outcome) if _is_truth_value(node) else "truthy" if moment.outcome else "falsy"
    if len(value) <= _SHORT:
        return value
    return "not empty" if moment.outcome else "empty"
