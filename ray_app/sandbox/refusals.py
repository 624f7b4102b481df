"""What the sandbox refused, in words: from the flags of an execution to a sentence for people."""

import sys
from collections.abc import Sequence

from ray_app.sandbox import warm
from ray_app.sandbox.batch import DENIED

_IMPORT = DENIED + "import "
# What a flag begins with -> what a program may not do. Names of audit events come first, then of system calls.
_MEANINGS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("socket", "connect", "bind", "listen", "accept", "sendto", "recvfrom", "getaddrinfo"), "sockets"),
    (
        ("subprocess", "os.system", "os.exec", "os.posix_spawn", "os.fork", "fork", "vfork", "execve", "pipe", "pty"),
        "processes",
    ),
    (("_thread", "clone"), "threads and processes"),
    (("epoll", "poll", "select", "eventfd"), "waiting for descriptors"),
    (("signal", "rt_sig", "kill", "tgkill", "setitimer", "alarm"), "signals"),
    (("resource", "prlimit", "setrlimit"), "changing its limits"),
    (("uname", "sethostname"), "the host's name"),
    (("open", "os.", "newfstatat", "stat", "mkdir", "unlink", "rename", "getcwd", "getdents", "chdir"), "files"),
)


def explain(flags: Sequence[str]) -> str:
    """Why a program could not do what it tried: "the sandbox refuses sockets". "" where nothing was refused."""
    refused = [flag for flag in flags if flag.startswith(DENIED)]
    missing = next((flag.removeprefix(_IMPORT) for flag in refused if flag.startswith(_IMPORT)), "")
    if missing:
        return _explain_import(missing)
    if not refused:
        return ""
    names = [flag.removeprefix(DENIED) for flag in refused]
    found = next((what for beginnings, what in _MEANINGS for name in names if name.startswith(beginnings)), "")
    return f"the sandbox refuses {found or names[0]}"


def _explain_import(module: str) -> str:
    top = module.partition(".")[0]
    if top in warm.PACKAGES:
        return f"the package {top} is not installed here: pip install {top}"
    if top in sys.stdlib_module_names:
        return f"the sandbox has no module {module}"
    return f"the sandbox has no package {top}: name it in SEMRAY_PACKAGES, where it is installed"
