"""CRUXEval-X (Xu et al. 2024, arXiv 2408.13001): CRUXEval's functions in 19 languages, predict what a call returns.

A row has the translated program with its test, and the same test with ???? for the expected value. Answers are
compared with the literal that stands there; the official grader runs the test, which needs the languages.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ray_app.errors import InputError
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.sources import Source, open_source

NAME = "cruxeval_x"
UNKNOWN = "????"
_HUB = "https://huggingface.co/datasets/xhwl/cruxeval-x/resolve/main/data"
LANGUAGES = (
    *("Java", "Cpp", "Go", "CS", "D", "Julia", "JavaScript", "PHP", "Perl", "Python", "R", "Lua", "Ruby", "Racket"),
    *("Rust", "Scala", "Shell", "Swift", "TypeScript"),
)
_QUESTION = (
    f"This is {{language}}. With which literal in the place of {UNKNOWN} does the test at the end pass? Answer with"
    " that literal alone, written as the code writes its values."
)


def _source(language: str) -> Source:
    patterns = (f"{language}-*.parquet", f"{language}.parquet", f"{language}.jsonl", f"{language.lower()}.jsonl")
    url = f"{_HUB}/{language}-00000-of-00001.parquet"
    return Source(patterns, url, ("id", "code", "output_reasoning"))


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """The questions of every language that the folder has; all 19 from the hub. A row whose expected value cannot be
    found is left out."""
    items: list[Item] = []
    left_out: list[str] = []
    md5, sha256, origins = hashlib.md5(usedforsecurity=False), hashlib.sha256(), list[str]()
    for language in LANGUAGES:
        source = _source(language)
        if data is not None and not _has(data, source):
            continue
        opened = open_source(NAME, source, data, any_version=any_version)
        md5.update(opened.md5.encode())
        sha256.update(opened.sha256.encode())
        origins.append(opened.origin)
        for row in opened.rows:
            found = list(_items(language, row))
            items += found
            left_out += [] if found else [f"{language}_{row['id']}: no expected value in its test"]
    if not items:
        raise InputError(f"no file for benchmark {NAME} in {data}: expected Java-*.parquet, Go.jsonl or the like there")
    digests = md5.hexdigest(), sha256.hexdigest()
    return Benchmark(NAME, "unpinned", *digests, ", ".join(origins), tuple(items), tuple(left_out))


def _has(data: Path, source: Source) -> bool:
    if data.is_file():
        return any(data.match(pattern) for pattern in source.patterns)
    return any(found for pattern in source.patterns for found in (*data.glob(pattern), *data.glob(f"*/{pattern}")))


def _items(language: str, row: dict[str, Any]) -> Iterator[Item]:
    code: str = row["code"]
    before, _, after = str(row["output_reasoning"]).partition(UNKNOWN)
    start = _after(code, before.strip())
    end = _before(code, after.strip(), start)
    literal = code[start:end].strip()
    if start < 0 or end < start or not literal:
        return
    yield Item(
        id=f"{language}_{row['id']}",
        task="question",
        code=f"{code[:start]}{UNKNOWN}{code[end:]}".strip(),
        entry="f",
        gold=literal,
        output=literal,
        description=_QUESTION.format(language=language),
        kind="foreign",
        group=language.lower(),
    )


def _after(code: str, text: str) -> int:
    """Where the text ends in the code; its last line where blank lines differ further up. -1 where it is not."""
    for part in (text, text.rpartition("\n")[2].strip()):
        if part and (found := code.rfind(part)) >= 0:
            return found + len(part)
    return -1


def _before(code: str, text: str, start: int) -> int:
    """Where the text begins in the code behind `start`; its first line where blank lines differ further down."""
    whole = code.rfind(text, max(0, start))
    return whole if whole >= 0 else code.find(text.partition("\n")[0].strip(), max(0, start))
