"""The endpoint with the tiny model of the serving tests."""

from tests.serving.conftest import key, tiny, url

__all__ = ["key", "tiny", "url"]
