"""Every error that a user can meet, one class per boundary that was crossed.

    SemrayError
    |- InputError       a value the user gave: recipe, path, option, file, row
    |- StoreError       a root, shard or manifest: unreadable, foreign, corrupt, locked
    |- SandboxError     the machine cannot isolate programs, or the sandbox itself broke
    |  `- LaneMismatch  its two lanes disagree
    |- TeacherError     an LLM endpoint: dead, refusing, over budget
    |- EngineError      a model or the process that runs it: missing, wrong, out of memory
    `- ClusterError     Ray: not reachable, too small, port taken

A failing *program* is never an exception: it is a row with a status. A failing *machine* is one of these. Messages
name the offending value and the remedy, in one line; the command line prints them without a traceback and exits 1.
"""


class SemrayError(Exception):
    """Base class. `str(error)` is one line for the user: what is wrong, with which value, and what to do."""


class InputError(SemrayError):
    """A value given by the user is missing, unknown, malformed or out of range."""


class StoreError(SemrayError):
    """A root, shard or manifest cannot be read or written, or belongs to another run."""


class SandboxError(SemrayError):
    """This machine cannot isolate programs, or the sandbox's own processes failed (never: a program failed)."""


class LaneMismatch(SandboxError):
    """The fast lane gave another result than the safe one for a program that gives the same result every time."""


class TeacherError(SemrayError):
    """An LLM endpoint is unreachable, refuses, or the budget for it is spent."""


class EngineError(SemrayError):
    """A model cannot be found, loaded, trained or run."""


class ClusterError(SemrayError):
    """Ray cannot be reached or started, or is too small for the job."""
