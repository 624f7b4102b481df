import itertools
import re
import xml.etree.ElementTree as ElementTree

import pytest

from ray_app.report import charts
from ray_app.report.constructs import constructs_of, value_type
from ray_app.report.distribution import distribution
from ray_app.report.highlight import highlight


def parsed(markup) -> ElementTree.Element:
    return ElementTree.fromstring(f"<root>{markup}</root>")


def test_distribution_bins_hold_every_value_once():
    values = [1, 2, 2, 3, 50, 51, 9_999]
    found = distribution(values)
    assert sum(b["count"] for b in found["bins"]) == len(values)
    assert (found["min"], found["median"], found["max"]) == (1, 3, 9_999)
    edges = [(b["from"], b["to"]) for b in found["bins"]]
    assert all(left[1] == right[0] for left, right in itertools.pairwise(edges))


def test_distribution_outliers_open_the_last_bin():
    found = distribution([*range(1, 101)] * 3 + [100_000])
    assert found["bins"][-1]["to"] is None
    assert len(found["bins"]) < 40


@pytest.mark.parametrize("values", [[7], [0, 0, 0], list(range(5_000))])
def test_distribution_quantiles_are_values(values):
    found = distribution(values)
    assert found["median"] in values
    assert found["p95"] in values
    assert len(found["bins"]) <= 30


def test_distribution_of_nothing_is_none():
    assert distribution([]) is None


def test_histogram_bars_are_proportional_and_inside_the_box():
    markup = charts.histogram(distribution([1] * 10 + [2] * 5 + [3]), "lengths")
    heights = [float(rect.get("height")) for rect in parsed(markup).iter("rect")]
    assert heights == [100.0, 50.0, 10.0]
    marks = {p.get("class"): p.get("d") for p in parsed(markup).iter("path")}
    assert marks == {"mark": "M16.67 0L16.67 100", "mark far": "M83.33 0L83.33 100"}


def test_lines_places_losses_between_the_ticks():
    curve = {"train": [[1, 2.5], [24, 1.5]], "eval": [[12, 2.1], [24, 1.7]]}
    found = parsed(charts.lines(curve, 1.5, 2.5, 24, "loss"))
    numbers = [
        float(n) for path in found.iter("path") for n in re.findall(r"[\d.]+", path.get("d").replace("h.001", ""))
    ]
    assert all(0 <= n <= 100 for n in numbers)
    assert [title.text for title in found.iter("title")] == ["step 12: 2.1000", "step 24: 1.7000"]


def test_lines_higher_loss_is_drawn_higher():
    found = parsed(charts.lines({"train": [[0, 2.0], [10, 1.0]], "eval": []}, 1.0, 2.0, 10, "loss"))
    path = next(p for p in found.iter("path") if p.get("class") == "line-base").get("d")
    assert path == "M0 0L100 100"


def test_intervals_scale_to_the_axis():
    markup = charts.intervals([("base", {"low": 0.1, "mean": 0.2, "high": 0.3}), ("tuned", None)], 0.5, "scores")
    line = next(p for p in parsed(markup).iter("path") if "interval" in p.get("class"))
    assert line.get("d") == "M20 25L60 25"


@pytest.mark.parametrize(("low", "high"), [(0.5, 2.5), (1.0, 1.0), (0.0, 0.0), (3.1, 3.14), (0, 1_000)])
def test_nice_ticks_enclose_both_values(low, high):
    ticks = charts.nice_ticks(low, high)
    assert ticks[0] <= low <= high <= ticks[-1]
    assert 2 <= len(ticks) <= 7


def test_thinned_keeps_the_last_step_and_the_mean():
    points = [[step, float(step)] for step in range(1, 10_001)]
    few = charts.thinned(points)
    assert len(few) <= charts.MAX_POINTS
    assert few[-1][0] == 10_000
    assert sum(y for _, y in few) / len(few) == pytest.approx(5_000.5, rel=0.01)


def test_scale_end_holds_the_largest():
    assert [charts.scale_end([x]) for x in (0.01, 0.07, 0.3, 0.9)] == [0.05, 0.1, 0.5, 1.0]


def test_constructs_of_finds_what_is_there_and_nothing_else():
    loops = "    while n:\n        for c in 'ab':\n            n = n and f(n - 1)\n"
    code = f"def f(n):\n{loops}    return [x for x in 'a'.upper()]\n"
    assert constructs_of(code) == {
        "while loop",
        "for loop",
        "nested loops",
        "recursion",
        "comprehension",
        "string method",
    }
    assert constructs_of("def broken(") == set()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("-3", "int"),
        ("'a'", "str"),
        ("[1]", "list"),
        ("{}", "dict"),
        ("None", "None"),
        ("True", "bool"),
        ("set()", "set"),
        ("1.5", "float"),
        ("[1, 2...", "other"),
    ],
)
def test_value_type_reads_canonical_values(text, kind):
    assert value_type(text) == kind


def test_highlight_escapes_and_classifies_each_line():
    lines = ["def f(x):  # <b>", '    """two', '    lines"""', "    return x < 10"]
    marked = highlight(lines)
    assert marked[0] == '<i class="k">def</i> <i class="d">f</i>(x):  <i class="c"># &lt;b&gt;</i>'
    assert marked[2] == '<i class="s">    lines&#34;&#34;&#34;</i>'
    assert [re.sub(r"<[^>]+>", "", line) for line in marked][3] == "    return x &lt; 10"


def test_highlight_broken_code_is_plain_text():
    assert highlight(["x = '''open <b>"])[0] == "x = &#39;&#39;&#39;open &lt;b&gt;"
