"""One host name for every machine, and calls that would start a process, which say aloud that they cannot."""

import errno
import os
import sys
from typing import Any

NAME = "sandbox"


def _uname() -> os.uname_result:
    return os.uname_result(("Linux", NAME, "", "", "x86_64"))


def _hostname() -> str:
    return NAME


def _refuse_system(command: object) -> int:
    """`os.system`, which would return a number that few programs look at."""
    sys.audit("os.system", command)
    raise PermissionError(errno.EPERM, "the sandbox refuses processes")


def _nobody(who: object, /) -> Any:
    raise KeyError(f"getpw: the sandbox has no users: {who}")


def install() -> "dict[Any, Any]":
    """Which stand in the place of what would ask the machine."""
    replaced: dict[Any, Any] = {os.uname: _uname, vars(os)["system"]: _refuse_system}
    if "_socket" in sys.modules:
        replaced[vars(sys.modules["_socket"])["gethostname"]] = _hostname
    for name in ("getpwuid", "getpwnam"):
        replaced[vars(sys.modules["pwd"])[name]] = _nobody
    platform: Any = sys.modules.get("platform")
    if platform is not None:
        platform._uname_cache = None
        platform._platform_cache.clear()
    return replaced
