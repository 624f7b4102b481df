"""What a teacher wrote, read tolerantly: a description, a solution, and example calls, in whatever wrapping they come.

Understood: JSON objects, fenced code blocks (also unclosed ones), `<|Solution Begin|>` and `<solution>` tags, bare code
amid prose; calls as expressions, prints, doctest lines, asserts or pytest functions.
"""

import ast
import json
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ray_app.programs.closure import spaced
from ray_app.programs.inputs import Call, literal_arguments
from ray_app.programs.mine import description as docstring_text
from ray_app.programs.purity import Impure, check_pure


class Malformed(Exception):
    """A reply that holds no usable program: a short fixed reason, and what to tell its author."""

    def __init__(self, reason: str, feedback: str) -> None:
        super().__init__(f"{reason}: {feedback}")
        self.reason = reason
        self.feedback = feedback


@dataclass(frozen=True, slots=True)
class Draft:
    """A program as its author proposes it; `calls` are literal calls of `entry`, without their results."""

    description: str
    code: str
    entry: str
    calls: tuple[str, ...]


_FENCE = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_TAG = re.compile(r"<\|?\s*(\w+)(?:\s+Begin)?\s*\|?>(.*?)<\|?\s*/?\s*\1(?:\s+End)?\s*\|?>", re.DOTALL | re.IGNORECASE)
_THINKING = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_DESCRIPTION_KEYS = ("description", "question", "task", "problem", "instruction", "prompt")
_CODE_KEYS = ("code", "solution", "program", "function", "answer")
_CALL_KEYS = ("calls", "examples", "example_calls", "inputs", "tests", "test", "test_code")


def parse_reply(text: str) -> Draft:
    """The draft in a reply. Malformed, with feedback for the author, where there is no pure function in it."""
    text = _THINKING.sub("", text)
    fields = _json_fields(text)
    if fields is not None:
        description, blocks = fields
    else:
        description, blocks = _prose(text), _blocks(text)
    trees = [(block, tree) for block in blocks if (tree := _parsed(block)) is not None and tree.body]
    if not trees:
        raise Malformed("no code", "there is no Python code block that parses")
    definitions = [(block, tree) for block, tree in trees if _functions(tree)]
    if not definitions:
        raise Malformed("no function", "the code defines no function")
    solution = definitions[0][1]
    calls = [call for _, tree in trees for call in _calls(tree)]
    calls += [call for tree in _doctests(text) for call in _calls(tree)]
    entry = _entry(solution, calls)
    code = solution_code(solution)
    docstring = next((ast.get_docstring(f) for f in _functions(solution) if f.name == entry), None)
    texts = dict.fromkeys(str(call) for call in calls if call.before == entry and (call.args or call.keywords))
    if not texts:
        raise Malformed("no example calls", f"there is no call of {entry} whose arguments are all literals")
    description = description or docstring_text(docstring or _first_docstring(text))
    return Draft(description, code, entry, tuple(texts))


def solution_code(tree: ast.Module) -> str:
    """Imports, constants and definitions of a module, its docstrings and tests left out. Malformed where impure."""
    kept: list[ast.stmt] = [node for node in tree.body if isinstance(node, _KEPT) and not _is_test(node)]
    module = _strip_docstrings(ast.Module(kept, []))
    try:
        check_pure(module)
    except Impure as impure:
        raise Malformed(
            f"impure: {impure.reason}", f"the solution must not use {impure.detail or impure.reason}"
        ) from impure
    return spaced([ast.unparse(node) for node in module.body])


_KEPT = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.ClassDef)


def _is_test(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in ("solution", "pytest", "unittest") or node.level > 0
    if isinstance(node, ast.Import):
        return any(alias.name in ("pytest", "unittest") for alias in node.names)
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name.lower().startswith("test")


def _strip_docstrings(module: ast.Module) -> ast.Module:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return module


def _json_fields(text: str) -> tuple[str, list[str]] | None:
    """(description, code blocks) of a reply that is or contains a JSON object with a solution."""
    for candidate in _json_objects(text):
        lowered = {str(key).lower(): value for key, value in candidate.items()}
        code = _first_text(lowered, _CODE_KEYS)
        if code is None:
            continue
        blocks = [block for _, block in _fenced(code)] or [code]
        for key in _CALL_KEYS:
            value = lowered.get(key)
            blocks += (
                [str(item) for item in value] if isinstance(value, list) else [value] if isinstance(value, str) else []
            )
        return _first_text(lowered, _DESCRIPTION_KEYS) or "", blocks
    return None


def _json_objects(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder(strict=False)
    for match in list(re.finditer(r"\{\s*\"", text))[:20]:
        try:
            value, _ = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _first_text(fields: dict[str, Any], keys: Iterable[str]) -> str | None:
    return next((fields[key] for key in keys if isinstance(fields.get(key), str) and fields[key].strip()), None)


def _fenced(text: str) -> list[tuple[str, str]]:
    return [(match.group(1).lower(), match.group(2)) for match in _FENCE.finditer(text)]


def _blocks(text: str) -> list[str]:
    """Code candidates: fenced blocks, else tagged parts, else the lines that look like code."""
    fenced = [
        block for language, block in _fenced(text) if language in ("", "python", "py", "python3", "pycon", "pythonrepl")
    ]
    if fenced:
        return fenced
    tagged = [part for _, part in _TAG.findall(text) if "(" in part]
    return tagged or [_bare_code(text)]


def _bare_code(text: str) -> str:
    """From the first line that starts a definition or import, as much as still parses."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if re.match(r"(def|class|import|from|@)\b", line)), None)
    if start is None:
        return ""
    for end in range(len(lines), start, -1):
        block = "\n".join(lines[start:end])
        if _parsed(block) is not None:
            return block
    return ""


def _parsed(block: str) -> ast.Module | None:
    lines = block.expandtabs(4).splitlines()
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    dedented = "\n".join(line[margin:] for line in lines)
    for text in (dedented, "\n".join(_numberless(line) for line in dedented.splitlines())):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def _numberless(line: str) -> str:
    """A call in a list or a console: `1. f(x)`, `- f(x)`, `>>> f(x)`, `f(x) -> 3`."""
    line = re.sub(r"^\s*(?:\d+[.)]\s+|[-*]\s+|>>>\s?)", "", line)
    return re.sub(r"\s*(?:->|=>|→).*$", "", line)


def _doctests(text: str) -> Iterator[ast.Module]:
    for line in re.findall(r"^\s*>>>\s?(.+)$", text, re.MULTILINE):
        if (tree := _parsed(line)) is not None:
            yield tree


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and not _is_test(node)]


def _calls(tree: ast.Module) -> Iterator[Call]:
    """Literal calls outside definitions, and inside test functions."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not _is_test(node):
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name):
                values = literal_arguments(inner)
                if values is not None:
                    yield Call(inner.func.id, *values, "")


def _entry(solution: ast.Module, calls: list[Call]) -> str:
    """The function that the examples call most; without examples, the last one."""
    names = [function.name for function in _functions(solution)]
    counts = Counter(call.before for call in calls if call.before in names)
    return max(names, key=lambda name: (counts[name], names.index(name)))


def _first_docstring(text: str) -> str:
    """The docstring of a task that was posed as a stub, perhaps a cut one."""
    found = re.search(r'"{3}(.*?)"{3}', text, re.DOTALL)
    return found.group(1) if found else ""


def _prose(text: str) -> str:
    """The text around the code, without headings and labels: the description comes first."""
    for tag, part in _TAG.findall(text):
        if tag.lower() in _DESCRIPTION_KEYS:
            return _prose(part)
    outside = _TAG.sub("\n", _FENCE.sub("\n", text))
    outside = re.sub(r"^\s*(?=\d+[.)]\s|#)", "\n\n", outside, flags=re.MULTILINE)
    bare = re.split(r"^(?:def|class|import|from|@)\b", outside, maxsplit=1, flags=re.MULTILINE)[0]
    paragraphs: list[str] = []
    for paragraph in re.split(r"\n\s*\n", bare):
        clean = re.sub(r"^\s*(?:#+\s*|\d+[.)]\s+|[-*]\s+)", "", " ".join(paragraph.split()))
        clean = re.sub(r"^\**(?:task|description|problem|part)[^:.]{0,20}:?\**:?\s*", "", clean, flags=re.IGNORECASE)
        if len(clean.split()) >= 5:
            paragraphs.append(clean.strip())
    return "\n\n".join(paragraphs[:2])[:2_000]
