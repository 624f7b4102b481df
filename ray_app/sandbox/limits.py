"""What one program may use. CPU time decides; wall time only guards against a program that waits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one program with all its calls; caps for what is recorded of each call.

    `cpu_s` is CPU time per call. A wall time-out (`wall_s` per call) is retried and then recorded as an
    infrastructure event ("timeout-wall"), never as the program's fault. `memory_bytes` bounds the address space that
    the program may add. Beyond `output_chars` a call is "truncated"; `value_chars` caps each value in a trace;
    a trace stops at `trace_events` (`Trace.truncated`).
    """

    cpu_s: float = 1.0
    wall_s: float = 10.0
    memory_bytes: int = 256 * 1024 * 1024
    stdout_chars: int = 4_096
    output_chars: int = 16_384
    value_chars: int = 512
    trace_events: int = 4_096
