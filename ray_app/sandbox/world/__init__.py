"""What programs find in place of the machine: files in memory, a clock that jumps, one host name, no signals.

These files are not imported. `warm` runs them apart from trusted code, with the builtins that programs have, so a
program may reach, read and break everything here: that changes what it is shown, and nothing that it can do. The walls
are the kernel's (`isolation`, `seccomp`), and no file here asks the kernel for anything.
"""

PARTS = ("event_loop", "clock", "host", "files", "tracebacks", "threads", "script")
"""The files, each of which may use those before it as `from _world import clock`."""
