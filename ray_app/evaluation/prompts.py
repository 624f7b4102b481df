"""Prompts as data: a template per (task, format) in `templates/`, and how the answer is taken out of a reply.

The formats `direct` and `monologue` of prediction tasks are the prompts that training used (`ray_app.mixture`); the
rest are few-shot templates. Code is inserted as it is: no quote is changed, no line is moved.
"""

import ast
import functools
import re
from pathlib import Path

import jinja2

from ray_app import mixture
from ray_app.errors import InputError
from ray_app.evaluation.items import Benchmark, Item
from ray_app.parsing import parse
from ray_app.records import Score

FORMATS = ("direct", "cot", "monologue", "scratchpad", "next", "concise")
_TEMPLATES = Path(__file__).with_name("templates")
_OPEN, _CLOSE = "[ANSWER]", "[/ANSWER]"
STOP = (_CLOSE,)
"""Where generation of a prediction ends; the tag itself need not be in the reply."""
_BLOCK = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


def prompt(item: Item, prompt_format: str) -> str:
    """The exact text that a model gets. InputError if the format is unknown or makes no sense for the task."""
    if item.task == "output" and prompt_format in ("direct", "monologue"):
        return mixture.forward_prompt(item.code, item.call, direct=prompt_format == "direct")
    if item.task == "input" and prompt_format in ("direct", "monologue"):
        return mixture.backward_prompt(item.code, item.entry, item.output, direct=prompt_format == "direct")
    if item.task == "probe" and prompt_format == "direct":
        return mixture.probe_prompt(item.code, item.description)
    template = _template(f"{item.task}_{prompt_format}.md")
    return template.render(
        code=item.code.rstrip("\n"),
        entry=item.entry,
        call=item.call,
        output=item.output,
        description=item.description,
        stdin=bool(item.tests) and not item.entry,
    )


def preview(benchmark: Benchmark, prompt_format: str) -> str:
    """The prompt of the benchmark's first item."""
    return prompt(benchmark.items[0], prompt_format)


def stop(item: Item) -> tuple[str, ...]:
    """Texts at which generation should end."""
    return STOP if item.task != "code" else ()


def answer(item: Item, reply: str) -> str:
    """What the grader gets: an expression, a call, or a whole program; "" where the reply holds no answer.

    The grader of questions reads the whole reply: their benchmarks have rules of their own for where the answer is.
    """
    if item.task == "probe":
        return tagged(reply)
    if item.task == "question":
        return closed(reply)
    return _program(item, reply) if item.task == "code" else _assertion(item, reply)


def answer_of(item: Item, row: Score) -> str:
    """What a row answers: taken out of the reply if the row was asked in one of our formats, else the text itself."""
    return answer(item, row.generation) if row.prompt_format else row.generation


def tagged(reply: str) -> str:
    """What stands in the last [ANSWER] of a reply, whose end tag may be missing; "" if there is none."""
    start = reply.rfind(_OPEN)
    return "" if start < 0 else reply[start + len(_OPEN) :].split(_CLOSE)[0].strip()


def closed(reply: str) -> str:
    """The reply with the end tag that stopped its generation."""
    return reply + _CLOSE if reply.rfind(_OPEN) > reply.rfind(_CLOSE) else reply


@functools.cache
def _template(name: str) -> jinja2.Template:
    path = _TEMPLATES / name
    if not path.is_file():
        task, _, given = name.removesuffix(".md").partition("_")
        there = sorted({p.stem.partition("_")[2] for p in _TEMPLATES.glob(f"{task}_*.md")})
        if task in ("output", "input"):
            there = sorted({*there, "direct", "monologue"})
        raise InputError(f"no prompt format {given!r} for {task} tasks; there are: {', '.join(there)}")
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)
    return environment.from_string(path.read_text(encoding="utf-8"))


def _assertion(item: Item, reply: str) -> str:
    """The side of the last answered assertion that was asked for; an answer without `assert` counts as that side."""
    text = tagged(reply)
    if not text.startswith("assert"):
        return text
    match _parsed(text):
        case [ast.Assert(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]))]:
            side = left if item.task == "input" else right
            return ast.get_source_segment(text, side) or ""
        case _:
            return _split_assertion(item, text)


def _split_assertion(item: Item, text: str) -> str:
    """The asked side of an assertion that is not one comparison: what is left when the known side is taken away."""
    body = text.removeprefix("assert").strip()
    known = item.output if item.task == "input" else item.call
    if item.task == "input" and body.endswith(f"== {known}"):
        return body[: -len(f"== {known}")].strip()
    if item.task == "output" and body.startswith(known):
        return body[len(known) :].strip().removeprefix("==").strip()
    return body


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _program(item: Item, reply: str) -> str:
    """The last code block, or the reply itself; what the prompt defined before the function is put in front, and a
    mere continuation of the prompt is joined to it."""
    blocks = _BLOCK.findall(reply)
    code = next((block for block in reversed(blocks) if f"def {item.entry}" in block), blocks[-1] if blocks else reply)
    if not code.strip():
        return ""
    if not item.code:
        return code
    if f"def {item.entry}" not in code:
        return item.code + code
    return f"{item.code.partition(f'def {item.entry}(')[0]}\n{code}"
