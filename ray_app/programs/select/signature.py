"""What two programs are compared by: the runs of tokens of their syntax trees, whole and as a MinHash signature.

The set of a program's token runs says how similar two programs are (`jaccard`); the signature finds the pairs for which
that is worth asking. It is cut into bands: two programs meet where all values of one band are equal, which happens with
probability 1 - (1 - J ** rows) ** bands for a Jaccard similarity J. Ten bands of six rows meet 95 % of pairs at J = 0.8
and 23 % at 0.5; `benchmarks/programs.py recall` measures it.
"""

import ast
import builtins
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

RUN = 5
"""tokens in a row that make one element of a program's set"""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_BUILTINS = frozenset(dir(builtins))
_IMPORTS = (ast.Import, ast.ImportFrom)
_KNOWN_TOKENS = 200_000
"""tokens whose hashes are remembered: names and operators come again and again, literals do not"""
_MIX = np.uint64(0x9E3779B97F4A7C15)
_RUN_FACTORS = np.array(
    [0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB], np.uint64
)
_SKIPPED = frozenset({"ctx", "type_comment", "kind", "returns", "annotation", "simple", "type_ignores", "type_params"})
"""fields of syntax trees that say nothing about what a program does"""
_FIELDS: dict[type, list[str]] = {
    kind: [field for field in reversed(kind._fields) if field not in _SKIPPED]
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}
"""of each kind of node, the last first: that is how they go on a stack"""
_DESCRIBED = frozenset({ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef})
_NAMED = _DESCRIBED | {ast.ExceptHandler, ast.MatchAs, ast.MatchStar}


@dataclass(frozen=True, slots=True)
class Banding:
    """How a signature is cut. More rows: fewer pairs to verify; more bands: fewer pairs missed."""

    bands: int = 10
    rows: int = 6
    seed: int = 1


def tokens(code: str) -> list[str]:
    """The code's syntax tree as a list of words, without what is easily changed: its own names are numbered in order
    of appearance; layout, comments, docstrings and annotations are left out. Of code that does not parse, its words."""
    try:
        tree = ast.parse(code)
        return _words(tree, _imported(tree) if "import" in code else set())
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last: nested too deeply for the parser
        return _TOKEN.findall(code)


def _words(tree: ast.Module, imported: set[str]) -> list[str]:
    fixed, numbers = _BUILTINS | imported, dict[str, str]()

    def name(text: str) -> str:
        return text if text in fixed else numbers.setdefault(text, f"v{len(numbers)}")

    # A stack instead of recursion, kinds told apart by identity, and a table of fields: with a call per node this would
    # take most of the time that a program takes.
    words: list[str] = []
    waiting: list[Any] = [tree]
    while waiting:
        node = waiting.pop()
        kind = node.__class__
        if kind is ast.Name:
            words.append(name(node.id))
        elif kind is ast.Constant:
            words.append(repr(node.value))
        elif kind is ast.arg:
            words.append(name(node.arg))
        elif kind is str:
            words.append(node)
        elif kind in _NAMED:
            words.append(kind.__name__)
            waiting += _named(node, name)
        elif kind is ast.AnnAssign:
            if node.value is not None:
                words.append("Assign")
                waiting += [node.value, node.target]
        elif kind is ast.Global or kind is ast.Nonlocal:
            words += [kind.__name__, *map(name, node.names)]
        elif kind in _FIELDS:
            words.append(kind.__name__)
            for field in _FIELDS[kind]:
                value = getattr(node, field)
                if value.__class__ is list:
                    waiting += value[::-1]
                elif value is not None:
                    waiting.append(value)
        elif kind is int:
            words.append(str(node))
    return words


def _named(node: Any, name: Callable[[str], str]) -> list[Any]:
    """What comes after a node that binds a name, and may have a docstring; the last first."""
    described = node.__class__ in _DESCRIBED and ast.get_docstring(node, clean=False) is not None
    named = None if node.name is None else name(node.name)
    waiting: list[Any] = []
    for field in _FIELDS[node.__class__]:
        value: Any = named if field == "name" else getattr(node, field)
        if field == "body" and described:
            value = value[1:]
        waiting += value[::-1] if isinstance(value, list) else [value]
    return waiting


def _imported(tree: ast.Module) -> set[str]:
    """Names that imports bind. They are the library's, and are kept."""
    imports = [node for node in ast.walk(tree) if isinstance(node, _IMPORTS)]
    return {alias.asname or alias.name.partition(".")[0] for node in imports for alias in node.names}


class Signer:
    """Sets and signatures of programs. Equal arguments give equal results in every process and on every machine."""

    def __init__(self, banding: Banding) -> None:
        self._banding = banding
        count = banding.bands * banding.rows
        random = np.random.Generator(np.random.PCG64(banding.seed))
        # Multiplying by an odd number and adding another is a permutation of all 64-bit numbers: a MinHash function.
        self._factors = random.integers(0, 2**64, count, np.uint64, endpoint=False) | np.uint64(1)
        self._terms = random.integers(0, 2**64, count, np.uint64, endpoint=False)
        self._row_factors = random.integers(0, 2**64, banding.rows, np.uint64, endpoint=False) | np.uint64(1)
        self._band_terms = random.integers(0, 2**64, banding.bands, np.uint64, endpoint=False)
        self._tokens: dict[str, int] = {}

    def runs(self, code: str) -> npt.NDArray[np.uint32]:
        """The set of the program's token runs, as sorted hashes of 32 bits."""
        return self._runs(tokens(code))

    def _runs(self, words: list[str]) -> npt.NDArray[np.uint32]:
        hashes = np.array([self._token(word) for word in words], np.uint64)
        if len(hashes) < RUN:  # a short text is one run
            hashes = np.concatenate([hashes, np.zeros(RUN - len(hashes), np.uint64)])
        last = len(hashes) - RUN + 1
        mixed = np.zeros(last, np.uint64)
        for place in range(RUN):
            mixed += hashes[place : place + last] * _RUN_FACTORS[place]
        return np.unique((_mixed(mixed) >> np.uint64(32)).astype(np.uint32))

    def bands(self, runs: npt.NDArray[np.uint32]) -> Hashes:
        """One hash per band, and last one of the whole set, by which identical programs are found."""
        mixed = _mixed((runs.astype(np.uint64) + np.uint64(1)) * _RUN_FACTORS[0])
        least = (mixed[:, None] * self._factors + self._terms).min(0)
        rows = least.reshape(self._banding.bands, self._banding.rows) * self._row_factors
        bands = _mixed(rows.sum(1, dtype=np.uint64) + self._band_terms)
        whole = hashlib.blake2b(runs.tobytes(), digest_size=8).digest()
        return np.append(bands, np.frombuffer(whole, "<u8"))

    def _token(self, word: str) -> int:
        known = self._tokens.get(word)
        if known is None:
            if len(self._tokens) > _KNOWN_TOKENS:
                self._tokens.clear()
            digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            known = self._tokens[word] = int.from_bytes(digest, "little")
        return known


def jaccard(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]) -> float:
    """The share that two sets have in common of what they hold together."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def _mixed(values: Hashes) -> Hashes:
    """A permutation of 64-bit numbers in which every bit of the result depends on every bit given."""
    values = (values ^ (values >> np.uint64(30))) * _MIX
    values = (values ^ (values >> np.uint64(27))) * _RUN_FACTORS[1]
    return values ^ (values >> np.uint64(31))
