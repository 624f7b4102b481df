"""The server's entry point, run by path: `python -s -P -S launch.py ROOT EXTENSION PARENT_PID TIER WITHOUT`.

(`-I` would ignore PYTHONHASHSEED, and then sets of strings would differ between runs; the client gives no other
variable.) ROOT holds the package `ray_app`, EXTENSION is the tracer's file or empty. Trusted modules get builtins that
nobody else can reach. In the server this script never ends; in a child it ends at once, and what `child.arrange` has
registered runs while the interpreter exits, with no frame of ours below.
"""

import builtins
import importlib.machinery
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

ROOT, EXTENSION, PARENT_PID, TIER, WITHOUT = sys.argv[1:]
PRIVATE_BUILTINS = dict(builtins.__dict__)


class PrivateLoader(importlib.machinery.SourceFileLoader):
    """Loads a module whose functions use builtins of their own."""

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = PRIVATE_BUILTINS
        super().exec_module(module)


class PrivateFinder:
    """Finds `ray_app` under ROOT and the tracer at EXTENSION, whatever `sys.path` says."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> Any:
        if name == "_semray_tracer" and EXTENSION:
            loader = importlib.machinery.ExtensionFileLoader(name, EXTENSION)
            return importlib.machinery.ModuleSpec(name, loader, origin=EXTENSION)
        if name.partition(".")[0] != "ray_app":
            return None
        return importlib.machinery.FileFinder(path[0] if path else ROOT, (PrivateLoader, [".py"])).find_spec(name)


sys.meta_path.insert(0, PrivateFinder())  # type: ignore[arg-type]

from ray_app.sandbox import child, server  # noqa: E402

task = server.run(int(PARENT_PID), TIER, WITHOUT.split())
if task is None:
    os._exit(0)
child.arrange(*task)
