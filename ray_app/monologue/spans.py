"""Code spans, and spans with the values of their operands put in: "`x * 2` is 3 * 2"."""

import ast

from ray_app.monologue.plan import Plan
from ray_app.monologue.texts import is_literal
from ray_app.semantics.record import Evaluation
from ray_app.semantics.source import Source

LONG_OPERAND = 40
_LONG_SPAN = 100
_FILLED = (ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Subscript, ast.Call)
_BRACKETED = (ast.BinOp, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.Attribute)


def is_short(value: str) -> bool:
    """Whether a value may stand in an expression in place of its operand."""
    return len(value) <= LONG_OPERAND and is_literal(value)


class Spans:
    """The spans of one program."""

    def __init__(self, source: Source, plan: Plan) -> None:
        self.source = source
        self.plan = plan
        self._codes: dict[int, str] = {}

    def code(self, node: int) -> str:
        """The node's code on one line: as written where it stands on one line, else as `ast.unparse` has it."""
        text = self._codes.get(node)
        if text is None:
            text = self.source.text(node)
            if "\n" in text:
                text = " ".join(ast.unparse(self.source.nodes[node]).split("\n"))
            self._codes[node] = text
        return text

    def filled(self, evaluation: Evaluation) -> str:
        """The expression with the values of its operands put in; "" where that would say no more."""
        if not isinstance(self.source.nodes[evaluation.node], _FILLED):
            return ""
        text = self.fill(evaluation.node, self.plan.operands.get(evaluation.index, []))
        unchanged = text in (self.code(evaluation.node), evaluation.value)
        return "" if unchanged or len(text) > _LONG_SPAN else text

    def fill(self, node: int, operands: list[Evaluation]) -> str:
        """A node's code with these operands' values in it, where their places are simple and their values short."""
        text, (line, start, last, _) = self.code(node), self.source.place(node)
        if line != last or not text.isascii():
            return text
        for operand in sorted(operands, key=lambda found: -self.source.place(found.node)[1]):
            first, begin, end_line, end = self.source.place(operand.node)
            if first != line or end_line != line:
                return self.code(node)
            value = self._value(operand)
            if value:
                is_value = not self.plan.pending.get(operand.index)
                text = self._put(text, begin - start, end - start, value, is_value=is_value, node=node)
        return text

    def _value(self, operand: Evaluation) -> str:
        """What stands for an operand: its value, or for one that is not stated its own code with values."""
        if self.plan.pending.get(operand.index):
            return self.filled(operand)
        return operand.value if is_short(operand.value) else ""

    def _put(self, text: str, begin: int, end: int, value: str, *, is_value: bool, node: int) -> str:
        """The text with a value in place of an operand, without brackets that a single value makes needless."""
        enclosed = is_value and text[begin - 1 : begin] == "(" and text[end : end + 1] == ")" and begin > 0
        if enclosed and isinstance(self.source.nodes[node], _BRACKETED):
            begin, end = begin - 1, end + 1
        if value[0] == "-" and text[begin - 1 : begin] == "-" and begin > 0:
            value = f"({value})"
        following = text[end : end + 4]
        if (value[0] == "-" and following.startswith((".", "[", " **"))) or (
            value[0].isdigit() and following[:1] == "."
        ):
            value = f"({value})"
        return text[:begin] + value + text[end:]
