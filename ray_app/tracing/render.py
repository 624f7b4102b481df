"""Texts of a trace for ablations and other trainers, each with a checker that reads it back.

`render(code, trace)` writes a text; `check(text, code, trace)` gives None if the text tells exactly the trace, else the
first thing that is wrong with it. All are pure functions of the code and its trace.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ray_app.tracing.concise import check_concise, concise
from ray_app.tracing.cwm import check_cwm, cwm
from ray_app.tracing.inline import check_next_trace, check_scratchpad, next_trace, scratchpad
from ray_app.tracing.model import Trace


@dataclass(frozen=True, slots=True)
class Rendering:
    """One form of text for a trace."""

    render: Callable[[str, Trace], str]
    check: Callable[[str, str, Trace], str | None]


RENDERINGS: dict[str, Rendering] = {
    "scratchpad": Rendering(scratchpad, check_scratchpad),
    "next": Rendering(next_trace, check_next_trace),
    "concise": Rendering(concise, check_concise),
    "cwm": Rendering(cwm, check_cwm),
}
