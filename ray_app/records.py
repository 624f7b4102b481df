"""Every kind of row, as a frozen dataclass and, derived from it, an Arrow schema.

`schema(Program)` gives the schema; `to_table(Program, rows)` and `from_table(Program, table)` convert. Ids are hashes
of content (`content_id`), so equal content has the same id in every run and on every machine.
"""

import dataclasses
import functools
import hashlib
import types
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

import pyarrow as pa

from ray_app.tracing.model import Trace

R = TypeVar("R")

ExecutionStatus = Literal[
    "ok",
    "exception",
    "system-exit",
    "early-exit",
    "signal",
    "timeout-cpu",
    "timeout-wall",
    "memory",
    "compile-error",
    "truncated",
    "tampered",
]
Direction = Literal["forward", "backward"]
Truth = Literal["true", "false", "unchecked"]
TellingStyle = Literal["", "prose", "states"]
Task = Literal["nl", "forward", "backward", "output", "input", "repair", "probe", "exception"]
Split = Literal["train", "held_out"]
DecisionKind = Literal["next line", "branch", "count", "value", "return", "answer"]
Work = Literal["arithmetic", "strings", "containers", "control"]
EditKind = Literal["corrected", "cut"]
NARRATOR = "narrator"
"""the author of what is written from a record without a language model"""


@dataclass(frozen=True, slots=True)
class Seed:
    """A parsable snippet of licensed open-source Python from which a teacher invents a problem."""

    id: str
    code: str
    origin: str
    license: str


@dataclass(frozen=True, slots=True)
class Program:
    """A self-contained module whose function `entry` is called by each expression in `calls`.

    `code` holds imports, constants and helpers too; it is what runs, what is shown and what line numbers refer to.
    `origin` says where it comes from (package and path, generator seed, or teacher model and seed id); `difficulty` is
    the dial of the generator, 0 where there is none; `tests` are Python expressions that must be true; `drafts` is what
    a language model wrote before this code and what did not run as it should.
    """

    id: str
    source: Literal["mine", "grow", "ask", "benchmark"]
    code: str
    entry: str
    calls: tuple[str, ...]
    description: str
    origin: str
    license: str
    difficulty: int = 0
    tests: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Execution:
    """What one call did in the sandbox. `output` is the canonical value, None unless `status` is "ok".

    A call `__main__(stdin, *arguments)` is a run of the whole program: then `output` is its exit code, "0" for success,
    and `stderr` what it wrote there, its traceback included.

    `exception` is "Type: message" where one ended the call; `flags` name what makes a result unfit as ground truth
    (for example "denied:openat", "nondeterministic"); `cpu_us` is CPU time in microseconds; `trace` is None where none
    was asked for.
    """

    call: str
    status: ExecutionStatus
    output: str | None
    exception: str | None
    stdout: str
    cpu_us: int
    flags: tuple[str, ...]
    trace: Trace | None
    stderr: str = ""


@dataclass(frozen=True, slots=True)
class TracedProgram:
    """A program with the executions of its calls, in the order of `program.calls`; `id` is the program's.

    `sandbox` names the isolation layers that held, `python` the version that ran it, `tracer` the tracer.
    """

    id: str
    program: Program
    executions: tuple[Execution, ...]
    sandbox: str
    python: str
    tracer: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement found in a text, with the verifier's verdict on it and the evidence for that."""

    text: str
    kind: str
    verdict: Truth
    evidence: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change to what a language model wrote: the words before and after ("" where they were cut), and the evidence,
    in words."""

    kind: EditKind
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Monologue:
    """A spoken explanation of one execution, with every claim in it checked.

    forward: code + call -> output; backward: code + output -> `witness`, a call that gives that output.
    `author` is `NARRATOR` or a language model's name; `edits` is what was changed in a model's words (the answer at
    the end, which has one form, is not among them). `exception` is "Type: message" where one left the call (forward
    only): then `output` is "". Where the narrator wrote it, `style` and `detail` say how: `longest_leap` is the
    greatest number of operations between two stated values, and where that exceeds `detail`, `leap` names the
    expression that has no value of its own to state in between. `tokens` is an estimate.
    """

    id: str
    program_id: str
    source: str
    code: str
    entry: str
    difficulty: int
    direction: Direction
    call: str
    output: str
    text: str
    witness: str
    author: str
    claims: tuple[Claim, ...]
    exception: str = ""
    style: TellingStyle = ""
    detail: int = 0
    longest_leap: int = 0
    leap: str = ""
    tokens: int = 0
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Repair:
    """PyX-R: a buggy program, the test it fails, a diagnosis and a fix that passes all tests.

    `mutation` is the kind of mistake, "draft" where a language model made it. `claims` are those of the diagnosis.
    """

    id: str
    program_id: str
    description: str
    buggy: str
    fixed: str
    failing_test: str
    diagnosis: str
    mutation: str
    claims: tuple[Claim, ...]
    difficulty: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One training or held-out example: loss is taken on `response` only.

    `author` is who wrote the response, as for a `Monologue`; "" where it is code, a value or a diagnosis.
    """

    id: str
    task: Task
    prompt: str
    response: str
    program_id: str
    difficulty: int
    split: Split
    author: str = ""


@dataclass(frozen=True, slots=True)
class PyxRow:
    """A row of the released PyX format: exactly one of the three prompts is not empty."""

    id: str
    nl: str
    fwd_mnl: str
    bwd_mnl: str
    response: str


@dataclass(frozen=True, slots=True)
class PyxRepairRow:
    """A row of the released PyX-R format: task, faulty solution and failing test; diagnosis and `[Refined]` code."""

    fault: str
    response: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a chat."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ChatRow:
    """A training sample as chat trainers read it; `instruction` and `response` repeat the turns."""

    messages: tuple[Turn, ...]
    instruction: str
    response: str
    task: Task


@dataclass(frozen=True, slots=True)
class Score:
    """One graded generation. `official` follows the benchmark's own rule, `strict` ours; None means *not graded*
    (infrastructure failed), which is neither right nor wrong.

    `reason` says what the sandbox refused, where that is why an answer failed (`status` "refused"); `finish` why
    generation ended: "stop", "length" (cut at the cap) or "" where that is not known; `difficulty` is the item's.
    """

    benchmark: str
    item_id: str
    sample: int
    model: str
    prompt_format: str
    prompt: str
    generation: str
    official: bool | None
    strict: bool | None
    status: str
    reason: str = ""
    finish: str = ""
    difficulty: int = 0


@dataclass(frozen=True, slots=True)
class ClaimScore:
    """One decision of a held-out text: a value that the text states, and whether the model would have written it.

    The model has read the prompt and all of the text that stands before; `chosen` is what it finds likeliest at the
    places of `stated`, token by token. `place` numbers the decisions of a text; `leap` counts the operations between
    this value and what was stated before. See `ray_app.evaluation.decisions`.
    """

    text_id: str
    program_id: str
    difficulty: int
    model: str
    place: int
    kind: DecisionKind
    work: Work
    leap: int
    stated: str
    chosen: str
    right: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """What a program is compared by (`programs.select.signature`); `id` is the program's.

    `runs`: the set of its token runs, as sorted little-endian hashes of 32 bits; `bands`: a hash of 64 bits for each
    band of its MinHash signature, and last one of the whole set.
    """

    id: str
    runs: bytes
    bands: bytes


@dataclass(frozen=True, slots=True)
class Pairs:
    """Programs that are alike, as little-endian numbers of 64 bits: the later one's place among all programs in the
    upper half, the earlier one's in the lower. `same`: their sets are equal; else they are near-duplicates."""

    same: bool
    keys: bytes


@dataclass(frozen=True, slots=True)
class Twins:
    """The programs of a stretch, from the place `first` on, that repeat earlier ones: `which`, as little-endian numbers
    of 16 bits counted from `first`, and the ids `of` the earlier ones."""

    first: int
    which: bytes
    of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that a stage refused: the stage, the row's id, a short fixed `reason` (it is counted), a free `detail`."""

    stage: str
    id: str
    reason: str
    detail: str = ""


def is_among(share: float, content: str) -> bool:
    """Whether an id made by `content_id` belongs to the first `share` (0 to 1) of all ids."""
    return int(content[:8], 16) < share * 16**8


def content_id(*parts: str) -> str:
    """16 hex digits that depend on the content of all parts and on where one ends and the next begins."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.hexdigest()[:16]


_SCALARS: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}


def _arrow_type(annotation: Any) -> pa.DataType:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if dataclasses.is_dataclass(annotation):
        return pa.struct(list(schema(cast("type", annotation))))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return pa.string()
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return pa.list_(_arrow_type(arguments[0]))
    if (some := _optional(annotation)) is not None:
        return _arrow_type(some)
    raise TypeError(
        f"no Arrow type for {annotation!r}: use str, int, float, bool, bytes, tuple[T, ...], T | None or a record"
    )


@functools.cache
def schema(record: type) -> pa.Schema:
    """The Arrow schema of a record class; only `T | None` fields are nullable."""
    return pa.schema(
        [pa.field(name, _arrow_type(hint), nullable=_optional(hint) is not None) for name, hint in _fields(record)]
    )


def to_table(record: type[R], rows: Iterable[R]) -> pa.Table:
    """Rows of one record class as an Arrow table with exactly `schema(record)`."""
    encode = _encoder(record)
    return pa.Table.from_pylist([encode(row) for row in rows], schema=schema(record))


def from_table(record: type[R], table: pa.Table) -> list[R]:
    """The inverse of `to_table`; extra columns are ignored, a missing one is a KeyError naming it."""
    decode = _decoder(record)
    return [decode(row) for row in table.to_pylist()]


def _optional(annotation: Any) -> Any | None:
    """T, where the annotation is `T | None`; else None."""
    arguments = get_args(annotation)
    if get_origin(annotation) in (types.UnionType, typing.Union) and type(None) in arguments and len(arguments) == 2:
        return next(a for a in arguments if a is not type(None))
    return None


def _fields(record: Any) -> list[tuple[str, Any]]:
    hints = typing.get_type_hints(record)
    return [(field.name, hints[field.name]) for field in dataclasses.fields(record)]


@functools.cache
def _encoder(annotation: Any) -> Callable[[Any], Any]:
    """A function from a value of the annotated type to plain Arrow Python values (dict, list)."""
    if dataclasses.is_dataclass(annotation):
        fields = [(name, _encoder(hint)) for name, hint in _fields(annotation)]
        return lambda value: {name: encode(getattr(value, name)) for name, encode in fields}
    if get_origin(annotation) is tuple:
        inner = _encoder(get_args(annotation)[0])
        return lambda value: [inner(item) for item in value]
    if (some := _optional(annotation)) is not None:
        inner = _encoder(some)
        return lambda value: None if value is None else inner(value)
    return lambda value: value


@functools.cache
def _decoder(annotation: Any) -> Callable[[Any], Any]:
    """The inverse of `_encoder`."""
    if dataclasses.is_dataclass(annotation):
        fields = [(name, _decoder(hint)) for name, hint in _fields(annotation)]
        build = cast("type", annotation)
        return lambda value: build(*[decode(value[name]) for name, decode in fields])
    if get_origin(annotation) is tuple:
        inner = _decoder(get_args(annotation)[0])
        return lambda value: tuple(inner(item) for item in value)
    if (some := _optional(annotation)) is not None:
        inner = _decoder(some)
        return lambda value: None if value is None else inner(value)
    return lambda value: value
