"""System calls by name: through the extension where it was built, else through ctypes.

A server with the extension does without ctypes and other modules written in C, as each adds to the cost of every fork.
"""

import os
from collections.abc import Callable
from types import ModuleType

from ray_app.sandbox import protocol, seccomp

Call = Callable[..., int]
"""(number, six integers) -> what the kernel returned, or the negative error number."""
Address = Callable[[bytearray], int]


def syscall(name: str, *arguments: int | bytes | bytearray) -> int:
    """A raw system call; bytes are passed by address (a copy's). OSError with the kernel's reason if it fails."""
    kept = [bytearray(a) if isinstance(a, bytes) else a for a in arguments]
    plain = [address(a) if isinstance(a, bytearray) else a for a in kept]
    result = call(seccomp.NUMBERS[name], *plain, *([0] * (6 - len(plain))))
    if result < 0:
        raise OSError(-result, f"{name}: {os.strerror(-result)}")
    return result


def _extension() -> ModuleType | None:
    try:
        import _semray_sandbox  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return _semray_sandbox if _semray_sandbox.VERSION == protocol.VERSION else None


def _through_ctypes() -> tuple[Call, Address]:
    import ctypes

    bare = ctypes.PyDLL(None, use_errno=True).syscall
    bare.argtypes = [ctypes.c_long] * 7
    bare.restype = ctypes.c_long

    def call(number: int, *arguments: int) -> int:
        result = bare(number, *arguments)
        return -ctypes.get_errno() if result == -1 else result

    def address(data: bytearray) -> int:
        return ctypes.addressof(ctypes.c_char.from_buffer(data))

    return call, address


extension = _extension()
"""None where it is missing or built from another version's source."""
call, address = _through_ctypes() if extension is None else (extension.call, extension.address)
