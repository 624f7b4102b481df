"""A stage is data: what it is called, the worker that turns rows into rows, its configuration and what it needs.

Stages know nothing of Ray; `ray_app.runner` runs them. A stage's identity (`plan`) is its configuration, the content of
its inputs, and the source of every project module that its worker can reach.
"""

import ast
import dataclasses
import functools
import hashlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from ray_app.parsing import parse
from ray_app.records import Reject
from ray_app.store import Dataset, Plan

C = TypeVar("C")
I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741


@dataclass(frozen=True, slots=True)
class Spend:
    """What a worker paid an LLM for; yielded among its rows, summed into the ledger."""

    tokens_in: int
    tokens_out: int
    usd: float = 0.0


WHERE: Mapping[str, bool] = {"identity": False}
"""Metadata of a configuration field that says where something is done (an endpoint's URL), not what comes out."""


@dataclass(frozen=True)
class Stage(Generic[C, I, O]):
    """One step of the data flow.

    `worker(rows, config)` turns input rows into output rows, rejects and spends; `config` is a frozen dataclass. The
    worker must depend on its rows and the configuration only (same rows in, same rows out, in the same order) and must
    not raise for a bad row; what is costly to start (a sandbox) it keeps per process. `rows_per_shard` input rows make
    one output shard; None: all rows at once, for stages that compare rows with each other. `num_cpus`, `num_gpus`:
    what one worker process occupies; `max_workers` bounds their number, 0: as many as the cluster holds.

    A worker of a `numbered` stage gets (number, row) pairs: each row with its place among all input rows.

    A stage that `follows` another makes its shard i from that one's shard i, in the same process and as soon as that
    shard is there (`ray_app.runner.stream`); it has no `rows_per_shard` and occupies nothing of its own.
    """

    name: str
    worker: Callable[[Iterable[I], C], Iterator[O | Reject | Spend]]
    config: C
    reads: type[Any]
    writes: type[O]
    rows_per_shard: int | None = None
    follows: str = ""
    numbered: bool = False
    num_cpus: float = 1.0
    num_gpus: float = 0.0
    max_workers: int = 0


@dataclass(frozen=True, slots=True)
class Reference:
    """A complete dataset that a worker reads by itself, since it looks at all rows at once or by number.

    It stands in the worker's configuration: its content is part of the stage's identity, the place where it lies not.
    """

    name: str
    content: str
    root: str = field(metadata=WHERE)

    def open(self) -> Dataset:
        return Dataset(self.root, self.name)


def reference(dataset: Dataset) -> Reference:
    """A reference to a dataset that must be complete."""
    return Reference(dataset.name, dataset.complete().content, dataset.root)


def plan(
    worker: Callable[..., Any],
    config: Any,
    inputs: Iterable[Dataset] = (),
    rows: Iterable[Any] = (),
    rows_per_shard: int | None = None,
) -> Plan:
    """The fingerprint of what `worker` makes with `config` from complete input datasets and literal rows."""
    hashes = {dataset.name: dataset.complete().content for dataset in inputs}
    listed = [repr(row) for row in rows]
    if listed:
        hashes["rows"] = hashlib.sha256("\n".join(listed).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return _plan(worker, config, {"rows_per_shard": rows_per_shard}, hashes)


def plans(
    stages: Iterable[Stage[Any, Any, Any]], inputs: Iterable[Dataset] = (), rows: Iterable[Any] = ()
) -> dict[str, Plan]:
    """The fingerprints of a stage with these inputs and of those that follow it, by name.

    The input of a follower is not there yet, so what is going to be made stands for it: the plan of that stage.
    """
    found: dict[str, Plan] = {}
    for stage in stages:
        if stage.follows:
            begun = {stage.follows: f"plan {found[stage.follows].digest()}"}
            found[stage.name] = _plan(stage.worker, stage.config, {}, begun)
        else:
            found[stage.name] = plan(stage.worker, stage.config, inputs, rows, stage.rows_per_shard)
    return found


def _plan(worker: Callable[..., Any], config: Any, cut: Mapping[str, Any], inputs: Mapping[str, str]) -> Plan:
    values: dict[str, Any] = _jsonable(_identity(config))
    return Plan({**values, **cut}, inputs, dict(code_version(worker.__module__)))


def _identity(config: Any) -> Any:
    """A configuration as nested dicts, without the fields marked `WHERE`."""
    if not dataclasses.is_dataclass(config):
        return config
    kept = [f.name for f in dataclasses.fields(config) if f.metadata.get("identity", True)]
    return {name: _identity(getattr(config, name)) for name in kept}


def _jsonable(value: Any) -> Any:
    """Tuples as lists, so that a plan equals itself after a round trip through JSON."""
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@functools.cache
def code_version(module: str) -> dict[str, str]:
    """Hashes of the source of `module` and of every `ray_app` module that it imports, directly or not.

    A module in a room is hashed with the room's prompts and C sources. Imports are found in the source (also those
    inside functions), so nothing has to be declared. Installed libraries are not covered: the project pins them.
    """
    seen: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _source(name)
        if name in seen or path is None:
            continue
        text = path.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode())
        for data in sorted(
            p for p in path.parent.rglob("*") if p.suffix in (".md", ".c") and path.name != "__init__.py"
        ):
            digest.update(data.read_bytes())
        seen[name] = digest.hexdigest()[:12]
        waiting += _imports(text)
    return dict(sorted(seen.items()))


def _source(module: str) -> Path | None:
    if not module.startswith(("ray_app.", "pipelines.")):
        return None
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def _imports(text: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in found if name.startswith("ray_app.")]
