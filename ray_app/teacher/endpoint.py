"""Which endpoint answers: the part of a stage's configuration that names a model and says where it runs."""

from dataclasses import dataclass, field, replace

from ray_app.errors import InputError
from ray_app.stage import WHERE
from ray_app.teacher.budget import Price
from ray_app.teacher.client import OpenAITeacher, Request


@dataclass(frozen=True, slots=True)
class Place:
    """Where models answer: an address that every node which asks can reach, and the key that is wanted there."""

    url: str = ""
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint. Only `model` and the content it stands for (`revision`) are a stage's identity.

    `url` ends in /v1. It and `api_key` travel to whichever node does the asking, so the address must be one that nodes
    reach; the key is in no record and no message. Replies are cached under `cache_dir`/`revision`, so a model that
    changed under the same name is asked again. 0 for a budget: no limit.
    """

    model: str
    revision: str = ""
    url: str = field(default="", metadata=WHERE)
    api_key: str = field(default="", repr=False, metadata=WHERE)
    cache_dir: str = field(default="", metadata=WHERE)
    concurrency: int = field(default=8, metadata=WHERE)
    requests_per_minute: float = field(default=0.0, metadata=WHERE)
    timeout_s: float = field(default=600.0, metadata=WHERE)
    max_tokens: int = field(default=0, metadata=WHERE)
    max_usd: float = field(default=0.0, metadata=WHERE)
    price: Price = field(default=Price(), metadata=WHERE)

    def require_chats(self) -> None:
        """An InputError with the remedy where the model cannot be talked to: it is asked for one token."""
        teacher = replace(self, cache_dir="", max_tokens=0, max_usd=0.0).teacher()
        (reply,) = teacher.complete([Request(({"role": "user", "content": "Say yes."},), max_tokens=1)])
        teacher.close()
        if reply.error is not None:
            raise InputError(
                f"model {self.model!r} at {self.url} does not answer a chat: {reply.error}; ask an instruct model "
                "(--model NAME), since every question to this one would fail"
            )

    def teacher(self) -> OpenAITeacher:
        """A client of this endpoint; InputError where no URL is set."""
        if not self.url:
            raise InputError(f"no endpoint for model {self.model!r}; give one, such as http://127.0.0.1:8000/v1")
        return OpenAITeacher(
            self.url,
            self.model,
            self.api_key,
            cache_dir=f"{self.cache_dir}/{self.revision or 'default'}" if self.cache_dir else None,
            concurrency=self.concurrency,
            requests_per_minute=self.requests_per_minute or None,
            timeout_s=self.timeout_s,
            max_tokens=self.max_tokens or None,
            max_usd=self.max_usd or None,
            price=self.price,
        )
