"""The C extension, where the package was built with a compiler. Top-level, so that it is also found by a worker whose
`ray_app` comes from an uploaded working directory."""

from types import ModuleType

from ray_app.tracing.wire import VERSION


def _load() -> ModuleType | None:
    try:
        import _semray_tracer  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return _semray_tracer if _semray_tracer.VERSION == VERSION else None


extension = _load()
"""None where it is missing or built from another version's source: then everything runs in Python, more slowly."""
