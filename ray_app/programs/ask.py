"""Programs that a language model writes from seed snippets, repaired with what happened when they ran."""

import ast
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ray_app.programs.mine import MineConfig, parse_file
from ray_app.programs.replies import Draft, Malformed, parse_reply
from ray_app.programs.sources import SourceFile, is_permissive
from ray_app.programs.trace import TraceConfig, refusal
from ray_app.records import Execution, Program, Reject, Seed, content_id
from ray_app.sandbox.api import Job, Sandbox, shared
from ray_app.teacher.answering import UNANSWERED
from ray_app.teacher.client import Message, Reply, Request, Teacher
from ray_app.teacher.prompts import load

STAGE = "ask"


@dataclass(frozen=True, slots=True)
class AskConfig:
    """How to ask. `repairs` is how often a failure goes back; `batch` seeds are asked at once."""

    max_tokens: int = 1_024
    temperature: float = 0.7
    seed: int = 0
    repairs: int = 1
    calls: int = 8
    batch: int = 64
    trace: TraceConfig = field(default_factory=TraceConfig)


def seeds(
    files: Iterable[SourceFile], per_file: int = 2, seed: int = 0, config: MineConfig | None = None
) -> Iterator[Seed | Reject]:
    """Parsable snippets of 3 to 25 lines (functions, classes, loops, branches, `with` and `try` blocks), `per_file` of
    each file by chance, the same ones for the same arguments. A Reject for each file that cannot be read or used."""
    config = config or MineConfig()
    for file in files:
        tree = parse_file(file, config)
        if isinstance(tree, Reject):
            yield tree
            continue
        if config.permissive_only and not is_permissive(file.license):
            yield Reject(STAGE, content_id(file.origin), "licence", f"{file.origin}: {file.license}")
            continue
        snippets = [node for node in ast.walk(tree) if isinstance(node, _SNIPPETS) and 3 <= _lines(node) <= 25]
        rng = random.Random(f"{seed}/{file.origin}")
        for node in rng.sample(snippets, min(per_file, len(snippets))):
            code = ast.unparse(node)
            yield Seed(content_id("seed", code), code, f"{file.origin}:{node.lineno}", file.license)


def requests(rows: Iterable[Seed], config: AskConfig | None = None) -> Iterator[Request]:
    """The first request for each seed: what a dry run estimates and a preview shows."""
    config = config or AskConfig()
    prompt = load("program")
    for row in rows:
        yield _request(({"role": "user", "content": prompt.render(seed=row.code)},), config)


def ask(
    rows: Iterable[Seed], teacher: Teacher, config: AskConfig | None = None, sandbox: Sandbox | None = None
) -> Iterator[Program | Reject]:
    """One Program or Reject per seed, in order. A program that is returned has at least one call that runs.

    TeacherError where the endpoint is dead or the budget spent; replies up to then are in the teacher's cache.
    """
    config = config or AskConfig()
    stream = iter(rows)
    while batch := list(islice(stream, config.batch)):
        yield from _ask_batch(batch, teacher, config, sandbox or shared())


@dataclass(slots=True)
class _Case:
    """One seed on its way: the conversation so far, programs that failed, and the outcome once there is one."""

    row: Seed
    messages: tuple[Message, ...]
    outcome: Program | Reject | None = None
    rounds: int = 0
    failed: tuple[str, ...] = ()


def _ask_batch(batch: list[Seed], teacher: Teacher, config: AskConfig, sandbox: Sandbox) -> Iterator[Program | Reject]:
    prompt = load("program")
    cases = [_Case(row, ({"role": "user", "content": prompt.render(seed=row.code)},)) for row in batch]
    origin = f"{teacher.name}, prompt {prompt.version}"
    for _ in range(1 + config.repairs):
        pending = [case for case in cases if not isinstance(case.outcome, Program) and case.messages]
        replies = list(teacher.complete(_request(case.messages, config) for case in pending))
        drafts = [_draft(case, reply) for case, reply in zip(pending, replies, strict=True)]
        ready = [(case, draft) for case, draft in zip(pending, drafts, strict=True) if draft is not None]
        jobs = [Job(draft.code, draft.calls[: config.calls], config.trace.limits) for _, draft in ready]
        for (case, draft), runs in zip(ready, sandbox.execute_many(jobs), strict=True):
            _judge(case, draft, runs, origin, config)
    for case in cases:
        yield case.outcome or Reject(STAGE, case.row.id, "no reply", case.row.origin)


def _request(messages: tuple[Message, ...], config: AskConfig) -> Request:
    return Request(messages, max_tokens=config.max_tokens, temperature=config.temperature, seed=config.seed)


def _draft(case: _Case, reply: Reply) -> Draft | None:
    """The reply's draft, or None after noting in the case why there is none."""
    case.rounds += 1
    if reply.error is not None or not reply.texts:
        case.outcome = Reject(STAGE, case.row.id, UNANSWERED, reply.error or "empty reply")
        case.messages = ()
        return None
    text = reply.texts[0]
    case.messages = (*case.messages, {"role": "assistant", "content": text})
    try:
        return parse_reply(text)
    except Malformed as malformed:
        _fail(case, malformed.reason, malformed.feedback)
        return None


def _judge(case: _Case, draft: Draft, runs: Sequence[Execution], origin: str, config: AskConfig) -> None:
    refusals = [(run, refusal(run, config.trace)) for run in runs]
    good = [run.call for run, reason in refusals if reason is None]
    if not good:
        reason = refusals[0][1] or "no inputs"
        case.failed = (*case.failed, draft.code)
        _fail(case, reason, "\n".join(f"- {run.call[:200]}: {run.exception or reason}" for run, reason in refusals[:5]))
        return
    case.outcome = Program(
        id=content_id("program", draft.code, draft.entry),
        source="ask",
        code=draft.code,
        entry=draft.entry,
        calls=tuple(good),
        description=draft.description,
        origin=f"{origin}, seed {case.row.id} ({case.row.origin}), round {case.rounds}",
        license=case.row.license,
        drafts=case.failed,
    )


def _fail(case: _Case, reason: str, feedback: str) -> None:
    case.outcome = Reject(STAGE, case.row.id, reason, f"{case.row.origin}: {feedback}"[:300])
    case.messages = (*case.messages, {"role": "user", "content": load("repair").render(feedback=feedback)})


_SNIPPETS = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.With, ast.Try)


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1
