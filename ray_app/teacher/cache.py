"""Replies on disk, keyed by the content of what was asked, so that nothing is paid for twice."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ray_app import store


@dataclass(frozen=True, slots=True)
class ReplyCache:
    """One JSON file per key under `root` (a path or URI), each written atomically; safe for many processes at once.

    An unreadable or half-written file counts as absent and is replaced at the next `put`.
    """

    root: str

    @staticmethod
    def key(content: dict[str, Any]) -> str:
        """32 hex digits that depend on the content only, not on the order of its keys."""
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    def get(self, key: str) -> dict[str, Any] | None:
        try:
            value = json.loads(store.read_file(self._path(key)) or b"null")
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def put(self, key: str, value: dict[str, Any]) -> None:
        store.write_file(self._path(key), json.dumps(value).encode())

    def _path(self, key: str) -> str:
        return f"{self.root}/{key[:2]}/{key}.json"
