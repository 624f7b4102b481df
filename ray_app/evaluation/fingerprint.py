"""What else can change a score besides the model: recorded with every evaluation."""

import hashlib
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

import ray_app
from ray_app.sandbox.limits import Limits

_PACKAGES = ("torch", "transformers", "vllm", "ray", "pyarrow", "openai", "httpx")


def environment() -> dict[str, str]:
    """Versions, machine and the hash of this room's code. Equal fingerprints grade equal answers equally; speed may
    still differ, which only matters to programs within a few per cent of a CPU limit."""
    found = {
        "semray": ray_app.__version__,
        "grader": code_hash(),
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": str(os.cpu_count()),
        "default_limits": repr(Limits()),
    }
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def code_hash() -> str:
    """12 hex digits over the sources of the evaluation, sandbox and tracing rooms."""
    root = Path(ray_app.__file__).parent
    digest = hashlib.sha256()
    for room in ("evaluation", "sandbox", "tracing"):
        for path in sorted((root / room).rglob("*")):
            if path.suffix in (".py", ".c", ".md", ".json"):
                digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
