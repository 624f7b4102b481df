"""LiveCodeBench, code execution (Jain et al. 2024, arXiv 2403.07974): predict what a contest solution returns."""

from pathlib import Path

from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.sources import Source, open_source

NAME = "lcb_execution"
SOURCE = Source(
    patterns=("lcb_execution*.jsonl", "execution-v2*.jsonl", "lcb_execution*.jsonl.gz"),
    url="https://huggingface.co/datasets/livecodebench/execution-v2/resolve/main/test.jsonl",
    required=("id", "function_name", "code", "input", "output"),
)
PRELUDE = """\
import bisect, collections, copy, functools, heapq, itertools, math, operator, random, re, string, sys
from bisect import bisect, bisect_left, bisect_right, insort
from collections import Counter, OrderedDict, defaultdict, deque
from copy import deepcopy
from functools import cache, lru_cache, partial, reduce
from heapq import heapify, heappop, heappush, merge
from itertools import (accumulate, chain, combinations, count, cycle, groupby, islice, permutations, product, repeat,
                       zip_longest)
from math import ceil, comb, floor, gcd, inf, isqrt, log, log2, log10, prod, sqrt
from operator import iand, itemgetter, sub
from string import ascii_lowercase
from typing import Any, Callable, Dict, Generator, Iterable, Iterator, List, Optional, Set, Tuple, Union
"""
"""The names that the solutions may use without importing them; the official prelude also has numpy and pandas."""


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All questions of the file. No release is pinned: it is updated in place, so compare the recorded sha256."""
    opened = open_source(NAME, SOURCE, data, any_version=any_version)
    items = tuple(
        Item(
            id=str(row["id"]),
            task="output",
            code=row["code"],
            entry=row["function_name"],
            call=row["input"],
            output=row["output"],
            gold=row["output"],
            prelude=PRELUDE,
            group=str(row.get("difficulty", "")),
            date=str(row.get("contest_date", "")),
        )
        for row in opened.rows
    )
    return Benchmark(NAME, opened.version, opened.md5, opened.sha256, opened.origin, items)
