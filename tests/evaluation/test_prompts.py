import pytest

from ray_app import mixture
from ray_app.errors import InputError
from ray_app.evaluation import prompts
from ray_app.evaluation.items import Benchmark, Item
from ray_app.semantics.source import label

CODE = "def f(x):\n    return {'a': \"it's\"}[x]  # {{ not a template }}\n"
OUTPUT = Item("o", "output", CODE, "f", "", call="f('a')", output='"it\'s"')
INPUT = Item("i", "input", CODE, "f", "", call="f('a')", output='"it\'s"')
WRITE = Item("c", "code", "from typing import List\n\n\ndef f(x: List[int]) -> int:\n    '''Sum.'''\n", "f", "")
DESCRIBED = Item("d", "code", "", "f", "", description="Add one.\nassert f(1) == 2")


@pytest.mark.parametrize("prompt_format", prompts.FORMATS)
@pytest.mark.parametrize("item", [OUTPUT, INPUT])
def test_prompt_shows_the_code_untouched_and_never_the_answer(item: Item, prompt_format: str) -> None:
    text = prompts.prompt(item, prompt_format)
    shown = label(CODE) if prompt_format == "monologue" else CODE
    assert shown.rstrip() in text
    asked = "assert f('a') == ??" if item.task == "output" else 'assert f(??) == "it\'s"'
    assert asked in text
    hidden = item.output if item.task == "output" else item.call
    assert hidden not in text.replace(shown.rstrip(), "")


@pytest.mark.parametrize("prompt_format", ["direct", "cot"])
def test_code_prompt_shows_what_to_complete_or_what_to_write(prompt_format: str) -> None:
    assert WRITE.code.rstrip() in prompts.prompt(WRITE, prompt_format)
    assert DESCRIBED.description in prompts.prompt(DESCRIBED, prompt_format)


def test_monologue_prompts_are_those_of_training() -> None:
    assert prompts.prompt(OUTPUT, "monologue") == mixture.forward_prompt(CODE, "f('a')")
    assert prompts.prompt(INPUT, "direct") == mixture.backward_prompt(CODE, "f", OUTPUT.output, direct=True)


def test_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no prompt format 'haiku' for output tasks; there are: .*scratchpad"):
        prompts.prompt(OUTPUT, "haiku")
    with pytest.raises(InputError, match="there are: cot, direct"):
        prompts.prompt(WRITE, "monologue")


def test_preview_is_the_first_prompt() -> None:
    benchmark = Benchmark("b", "", "", "", "", (OUTPUT, INPUT))
    assert prompts.preview(benchmark, "cot") == prompts.prompt(OUTPUT, "cot")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("so [ANSWER]assert f('a') == [1, 2][/ANSWER]", "[1, 2]"),
        ("[ANSWER] assert f('a') == 'x == y' [/ANSWER]", "'x == y'"),
        ("[ANSWER]assert f('a') == 3", "3"),
        ("[ANSWER]1[/ANSWER] wait [ANSWER]assert f('a') == 2[/ANSWER] done", "2"),
        ("[ANSWER]42[/ANSWER]", "42"),
        ("[ANSWER]assert f('a') == 4 or 3[/ANSWER]", "4 or 3"),
        ("the answer is 3", ""),
        ("[ANSWER][/ANSWER]", ""),
        ("", ""),
    ],
)
def test_output_answer_is_taken_out_of_the_reply(reply: str, answer: str) -> None:
    assert prompts.answer(OUTPUT, reply) == answer


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("[ANSWER]assert f('b', k=2) == \"it's\"[/ANSWER]", "f('b', k=2)"),
        ('[ANSWER]assert f(g(1) == 2) == "it\'s"[/ANSWER]', "f(g(1) == 2)"),
        ("[ANSWER]f(1)[/ANSWER]", "f(1)"),
        ('[ANSWER]assert f(1 == "it\'s"[/ANSWER]', "f(1"),
    ],
)
def test_input_answer_is_taken_out_of_the_reply(reply: str, answer: str) -> None:
    assert prompts.answer(INPUT, reply) == answer


def test_program_keeps_what_the_prompt_defined_before_the_function() -> None:
    reply = "Sure:\n```python\ndef f(x):\n    return sum(x)\n```\nand a test\n```python\nprint(f([1]))\n```"
    program = prompts.answer(WRITE, reply)
    assert program.startswith("from typing import List")
    assert program.endswith("def f(x):\n    return sum(x)")


def test_program_that_only_continues_the_prompt_is_joined_to_it() -> None:
    assert prompts.answer(WRITE, "    return sum(x)\n") == WRITE.code + "    return sum(x)\n"


def test_program_without_a_prompt_or_a_fence_is_the_reply() -> None:
    assert prompts.answer(DESCRIBED, "def f(x): return x + 1") == "def f(x): return x + 1"
    assert prompts.answer(DESCRIBED, "```python\ndef f(x): return x") == "def f(x): return x"
    assert prompts.answer(DESCRIBED, "  ") == ""
