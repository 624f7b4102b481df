"""The worked examples of CONTRIBUTING.md do what they say."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from ray_app.repair.splice import Edit, Text

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_contributing_benchmark_example_loads_a_file(tmp_path):
    row = {"name": "one", "code": "def f(x): return x + 1", "call": "f(1)", "result": "2"}
    (tmp_path / "sums.jsonl").write_text(json.dumps(row) + "\n")
    space: dict[str, object] = {}
    exec(EXAMPLES[0], space)
    loaded = space["load"](tmp_path)  # type: ignore[operator]
    assert [(item.id, item.call, item.output) for item in loaded.items] == [("one", "f(1)", "2")]
    assert loaded.version == "unpinned"


def test_contributing_mutation_example_mistakes_a_range():
    space: dict[str, object] = {"ast": ast, "Text": Text, "Edit": Edit, "Iterator": Iterator}
    exec(EXAMPLES[1], space)
    code = "def f(n):\n    return [i for i in range(n + 1)]\n"
    text = Text(code)
    rule = space["_skipped_first"]
    found = [edit for node in ast.walk(ast.parse(code)) for edit in rule(text, node, ())]  # type: ignore[operator]
    assert [text.apply(edit) for edit in found] == [code.replace("range(n + 1)", "range(1, n + 1)")]
