"""Prompts are files beside this one; the hash of a prompt's text is its version and part of each row's origin."""

import string
from dataclasses import dataclass
from importlib.resources import files

from ray_app.errors import InputError
from ray_app.records import content_id


@dataclass(frozen=True, slots=True)
class Prompt:
    """A template with `$name` places. `version` changes whenever a character of the text does."""

    name: str
    text: str

    @property
    def version(self) -> str:
        return content_id(self.text)[:8]

    def render(self, **values: str) -> str:
        """The text with all places filled; a missing value is an InputError naming it. Values may contain `$`."""
        try:
            return string.Template(self.text).substitute(values)
        except KeyError as missing:
            raise InputError(f"prompt {self.name!r} needs a value for {missing}") from missing


def load(name: str) -> Prompt:
    """The prompt `<name>.md`; InputError listing those that exist."""
    folder = files(__name__)
    try:
        return Prompt(name, (folder / f"{name}.md").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = sorted(entry.name[:-3] for entry in folder.iterdir() if entry.name.endswith(".md"))
        raise InputError(f"prompt {name!r} does not exist; choose one of {', '.join(known)}") from error
