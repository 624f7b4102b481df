"""The isolation layers by name: which are required, what a server reported, and what a caller may insist on."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from ray_app.errors import InputError, SandboxError

Importance = Literal["required", "preferred", "optional"]

IMPORTANCE: dict[str, Importance] = {
    "user": "required",
    "capabilities": "required",
    "no_new_privs": "required",
    "dumpable": "required",
    "rlimits": "required",
    "seccomp": "required",
    "self-test": "required",
    "namespaces": "preferred",
    "root": "preferred",
    "landlock": "preferred",
    "notify": "preferred",
    "tracer": "preferred",
}
MEANING = {
    "user": "runs as a user other than root",
    "capabilities": "no capability, none to regain",
    "no_new_privs": "no program can raise its rights",
    "dumpable": "no core dump, no ptrace from outside",
    "rlimits": "memory, processes, files, descriptors",
    "seccomp": "system calls on an allow-list, CPU clock read from outside",
    "self-test": "a child tried to escape before the first program",
    "namespaces": "no processes, network, mounts or IPC of this machine in sight",
    "root": "the file system is empty and read-only",
    "landlock": "no path can be opened, no TCP port reached",
    "notify": "every refused system call is seen, and flags its result",
    "tracer": "records what programs do: the C extension, or Python where there is no compiler",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer on this machine: `state` is what holds, or the reason why it does not."""

    name: str
    importance: Importance
    holds: bool
    state: str


def read(greeting: str) -> list[Layer]:
    """The layers of a server's greeting, in the order of importance."""
    states = dict(line.split("\t", 1) for line in greeting.splitlines())
    layers: list[Layer] = []
    for name, importance in IMPORTANCE.items():
        state = states.get(name, "no: not reached")
        holds = not state.startswith("no: ")
        layers.append(Layer(name, importance, holds, state.removeprefix("no: ")))
    return layers


def require(layers: list[Layer], names: Collection[str]) -> None:
    """SandboxError if a required layer or one of `names` ("all" for every preferred one) does not hold."""
    unknown = sorted(set(names) - set(IMPORTANCE) - {"all"})
    if unknown:
        raise InputError(f"unknown sandbox layer {unknown[0]!r}; known are {', '.join(IMPORTANCE)} and all")
    for layer in layers:
        asked = layer.name in names or "all" in names or layer.importance == "required"
        if asked and not layer.holds:
            raise SandboxError(f"the sandbox layer {layer.name!r} does not hold on this machine: {layer.state}")


def describe(layers: list[Layer]) -> str:
    """One line for the record: what holds, then what does not."""
    held = [f"{layer.name}: {layer.state}" for layer in layers if layer.holds]
    missing = [f"{layer.name}: no ({layer.state})" for layer in layers if not layer.holds]
    return "; ".join(held + missing)
