"""The server's entry point, run by path: `python -s -P -S launch.py ROOT EXTENSIONS PARENT_PID TIER WITHOUT`.

(`-I` would ignore PYTHONHASHSEED, and then sets of strings would differ between runs; what else the client gives is for
the loader.) ROOT holds the package `ray_app`, EXTENSIONS are the files of what was built in C. Trusted modules get
builtins that nobody else can reach. In the server this script never ends. In a child without extensions it ends at
once, and what `child.arrange` has registered runs while the interpreter exits, with no frame of ours below.
"""

import builtins
import importlib.machinery
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

ROOT, EXTENSIONS, PARENT_PID, TIER, WITHOUT = sys.argv[1:]
FILES = {os.path.basename(path).partition(".")[0]: path for path in EXTENSIONS.split(os.pathsep) if path}
PRIVATE_BUILTINS = dict(builtins.__dict__)


class PrivateLoader(importlib.machinery.SourceFileLoader):
    """Loads a module whose functions use builtins of their own."""

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = PRIVATE_BUILTINS
        super().exec_module(module)


class PrivateFinder:
    """Finds `ray_app` under ROOT and the extensions at their files, whatever `sys.path` says."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> Any:
        if name in FILES:
            loader = importlib.machinery.ExtensionFileLoader(name, FILES[name])
            return importlib.machinery.ModuleSpec(name, loader, origin=FILES[name])
        if name.partition(".")[0] != "ray_app":
            return None
        return importlib.machinery.FileFinder(path[0] if path else ROOT, (PrivateLoader, [".py"])).find_spec(name)


sys.meta_path.insert(0, PrivateFinder())  # type: ignore[arg-type]

from ray_app.sandbox import server  # noqa: E402

task = server.run(int(PARENT_PID), TIER, WITHOUT.split())
if task is None:
    os._exit(0)
task()
