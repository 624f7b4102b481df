"""Self-repair: a model sees the test that its program fails and tries again, round by round, within a token budget.

The fair rival is asking the same model again from scratch with the same number of tokens: `resample` does that, so a
gain of repair over it is a gain of *understanding the failure*. Feedback comes only from the tests that the benchmark
shows or calls base tests; the verdict on the final program is the benchmark's own.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ray_app import mixture
from ray_app.evaluation import differential, prompts, values
from ray_app.evaluation.arguments import decode
from ray_app.evaluation.generate import GenerationConfig, request
from ray_app.evaluation.grade import UNGRADED
from ray_app.evaluation.items import CHECK, Benchmark, Item
from ray_app.evaluation.verdicts import Executor
from ray_app.parsing import parse
from ray_app.records import Score
from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits
from ray_app.teacher.client import Reply, Request, Teacher

_REFINED = re.compile(r"\[Refined\](.*?)(?:\[/Refined\]|\Z)", re.DOTALL)
_LIMITS = Limits(cpu_s=1.0, memory_bytes=1 << 30)


@dataclass(frozen=True, slots=True)
class RepairConfig:
    """At most `rounds` attempts after the first, and at most `token_budget` completion tokens per item in all."""

    generation: GenerationConfig
    rounds: int
    token_budget: int


@dataclass(frozen=True, slots=True)
class Attempts:
    """One item's programs in order, with the tokens that each cost; the last one is what counts."""

    item: Item
    programs: tuple[str, ...]
    tokens: tuple[int, ...]

    def score(self, config: RepairConfig, model: str, prompt_format: str) -> Score:
        """The final program as an ungraded row (its text is the program itself: no format to take it out of)."""
        text = f"{prompt_format}: {len(self.programs)} attempts, {sum(self.tokens)} tokens"
        final = self.programs[-1] if self.programs else ""
        return Score(config.generation.benchmark, self.item.id, 0, model, "", text, final, None, None, UNGRADED)


def repair(benchmark: Benchmark, teacher: Teacher, config: RepairConfig, executor: Executor) -> Iterator[Attempts]:
    """For each code item: write, run the visible tests, show the first that fails, rewrite; stop when all pass, rounds
    or tokens are used up. All items advance one round at a time, so requests of a round run concurrently."""
    yield from _play(benchmark, teacher, config, executor, from_scratch=False)


def resample(benchmark: Benchmark, teacher: Teacher, config: RepairConfig, executor: Executor) -> Iterator[Attempts]:
    """The rival: the same rounds, tests and budget, but each attempt starts from the task alone (another seed)."""
    yield from _play(benchmark, teacher, config, executor, from_scratch=True)


def failing_test(benchmark: Benchmark, item: Item, program: str, executor: Executor) -> str | None:
    """The first visible test that the program fails, as an assertion; None if it passes them all."""
    tests = _assertions(item) if item.test else _base_assertions(benchmark, item, executor)
    code = f"{item.prelude}{program}\n{item.test}"
    for start in range(0, len(tests), 32):
        chunk = tests[start : start + 32]
        done = executor.run(Job(code, tuple(f"bool({test})" for test in chunk), _LIMITS, trace=False))
        for test, execution in zip(chunk, done or (), strict=False):
            if execution.status != "ok" or execution.output != "True":
                return f"assert {test}" + (f"  # {execution.exception}" if execution.exception else "")
    return None


def refined(reply: str) -> str:
    """The program of a repair reply: what is between [Refined] and [/Refined], without a code fence; "" if missing."""
    found = _REFINED.findall(reply)
    return re.sub(r"\A\s*```\w*\n|\n```\s*\Z", "", found[-1]).strip("\n") if found else ""


def _play(
    benchmark: Benchmark, teacher: Teacher, config: RepairConfig, executor: Executor, *, from_scratch: bool
) -> Iterator[Attempts]:
    open_items = [Attempts(item, (), ()) for item in benchmark.items if item.task == "code"]
    order = [attempts.item.id for attempts in open_items]
    closed: dict[str, Attempts] = {}
    feedback: dict[str, str] = {}
    for round_number in range(config.rounds + 1):
        requests = [_ask(attempts, feedback, config, round_number, from_scratch) for attempts in open_items]
        still_open: list[Attempts] = []
        for before, reply in zip(open_items, teacher.complete(requests), strict=True):
            after = _extended(before, reply, is_repair=round_number > 0 and not from_scratch)
            failure = failing_test(benchmark, after.item, after.programs[-1], executor)
            if failure is None or sum(after.tokens) >= config.token_budget or reply.error is not None:
                closed[after.item.id] = after
            else:
                feedback[after.item.id] = failure
                still_open.append(after)
        open_items = still_open
    closed.update((attempts.item.id, attempts) for attempts in open_items)
    yield from (closed[key] for key in order)


def _ask(
    attempts: Attempts, feedback: dict[str, str], config: RepairConfig, round_number: int, from_scratch: bool
) -> Request:
    item, left = attempts.item, config.token_budget - sum(attempts.tokens)
    asked = replace(
        config.generation,
        samples=1,
        seed=config.generation.seed + round_number,
        max_tokens=max(1, min(config.generation.max_tokens, left)),
    )
    first = request(item, asked)
    if round_number == 0 or from_scratch:
        return first
    text = mixture.repair_prompt(item.description or item.code, attempts.programs[-1], feedback[item.id])
    if asked.chat:
        return replace(first, messages=({"role": "user", "content": text},), stop=("[/Refined]",))
    return replace(first, prompt=text, stop=("[/Refined]",))


def _extended(before: Attempts, reply: Reply, *, is_repair: bool) -> Attempts:
    """With the new program; a reply without one repeats the last program and still costs its tokens."""
    text = reply.texts[0] if reply.texts else ""
    program = refined(text) if is_repair else prompts.answer(before.item, text)
    if not program and before.programs:
        program = before.programs[-1]
    return replace(before, programs=(*before.programs, program), tokens=(*before.tokens, reply.completion_tokens))


def _assertions(item: Item) -> list[str]:
    """The conditions that the benchmark's test function asserts directly, with the candidate named."""
    tree = parse(item.test)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    check = functions.get(CHECK) or functions.get("check")
    if check is None or not check.args.args:
        return []
    candidate = check.args.args[0].arg
    found: list[str] = []
    for statement in check.body:
        if isinstance(statement, ast.Assert):
            for node in ast.walk(statement.test):
                if isinstance(node, ast.Name) and node.id == candidate:
                    node.id = item.entry
            found.append(ast.unparse(statement.test))
    return found


def _base_assertions(benchmark: Benchmark, item: Item, executor: Executor) -> list[str]:
    """The base inputs of an EvalPlus item with the reference's values, where these are literals."""
    found: list[str] = []
    expected = differential.expected_texts(benchmark, item, item.base_inputs, executor)
    for arguments, text in zip(decode(item.base_inputs), expected, strict=True):
        try:
            values.read(text)
        except values.OpaqueError:
            continue
        found.append(f"{item.entry}({', '.join(map(repr, arguments))}) == {text}")
    return found
