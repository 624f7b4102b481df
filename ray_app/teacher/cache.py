"""Replies on disk, keyed by the content of what was asked, so that nothing is paid for twice."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


class ReplyCache:
    """One JSON file per key under `root`, each written atomically; safe for many processes at once.

    An unreadable or half-written file counts as absent and is replaced at the next `put`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def key(content: dict[str, Any]) -> str:
        """32 hex digits that depend on the content only, not on the order of its keys."""
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    def get(self, key: str) -> dict[str, Any] | None:
        try:
            value = json.loads(self._path(key).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return value if isinstance(value, dict) else None

    def put(self, key: str, value: dict[str, Any]) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(value, file)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def _path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"
