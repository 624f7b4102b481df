"""The canonical text: equal to `repr` for literals, deterministic for the rest, and blind to what a program defines."""

import ast
import collections
import dataclasses
import datetime
import decimal
import enum
import math
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ray_app.tracing import canonical as module
from ray_app.tracing.canonical import python_canonical, python_describe_exception

Canonical = Callable[..., str]

VARIANTS = {module.canonical, python_canonical}


@pytest.fixture(params=sorted(VARIANTS, key=lambda f: type(f).__name__), ids=lambda f: type(f).__name__)
def canonical(request: pytest.FixtureRequest) -> Canonical:
    return request.param


ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.characters()
)
LITERALS = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.tuples(inner) | st.dictionaries(ATOMS, inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(value=LITERALS)
def test_canonical_of_literals_is_repr(value: object) -> None:
    for canonical in VARIANTS:
        assert canonical(value, 100_000) == repr(value)


@settings(deadline=None)
@given(value=LITERALS, limit=st.integers(1, 60))
def test_canonical_over_its_cap_is_cut_there(value: object, limit: int) -> None:
    whole = repr(value)
    for canonical in VARIANTS:
        text = canonical(value, limit)
        assert text == (whole if len(whole) <= limit else text)
        assert len(text) <= limit + 3
        if len(whole) > limit:
            assert text.endswith("...")
            assert whole.startswith(text[:-3]) or "'" in whole  # the cut part of a string may need other quotes


@settings(deadline=None)
@given(items=st.lists(st.integers() | st.text()))
def test_canonical_of_sets_is_sorted_and_evaluates_to_the_set(items: list[Any]) -> None:
    value, backwards = set(items), list(reversed(items))
    for canonical in VARIANTS:
        text = canonical(value, 100_000)
        assert text == canonical(set(backwards), 100_000)
        assert (ast.literal_eval(text) if value else set()) == value


class Plain:
    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


@dataclasses.dataclass(slots=True)
class Slotted:
    left: int
    right: object = None


class Colour(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Mode(enum.Flag):
    READ = 1
    WRITE = 2


class Names(list[str]):
    pass


class Oops(ValueError):
    pass


Point = collections.namedtuple("Point", "x y")


def with_attribute(value: Any) -> Any:
    value.code = 7
    return value


def built(values: list[Any]) -> st.SearchStrategy[Any]:
    """Containers and objects of the classes above around one of these values."""
    inner = st.sampled_from(values)
    names = st.sampled_from(["x", "größe", "__hidden__", "a b"])
    hashable = st.sampled_from([1, "k", (1, "t"), 2.5, None, b"b", frozenset({3}), Colour.RED, Point(1, 2)])
    return st.one_of(
        st.builds(Names, st.lists(inner)),
        st.builds(lambda fields: Plain(**fields), st.dictionaries(names, inner)),
        st.builds(Slotted, inner, inner),
        st.builds(lambda a, b: Oops(a, b), inner, inner),
        st.builds(Point, inner, inner),
        st.builds(lambda items: collections.deque(items, maxlen=3), st.lists(inner)),
        st.builds(collections.OrderedDict, st.dictionaries(hashable, inner)),
        st.builds(lambda items: collections.defaultdict(list, items), st.dictionaries(hashable, inner)),
        st.builds(slice, inner, inner),
        st.builds(lambda items: items.items(), st.dictionaries(hashable, inner)),
        st.sets(hashable).map(frozenset),
        st.sets(hashable),
    )


@settings(deadline=None, max_examples=40)
@given(data=st.data(), limit=st.integers(0, 200))
def test_canonical_in_c_equals_canonical_in_python(data: st.DataObject, limit: int) -> None:
    values: list[Any] = [1 << 100, "a'b", 1.5, None, b"x", {1, "a"}, [], Colour.RED, int, len, -7, "\ud800é"]
    for _ in range(6):
        values.append(data.draw(built(values)))
    values[6].append(values[-1])  # a cycle, perhaps
    assert module.canonical(values, limit) == python_canonical(values, limit)
    error = Oops(*values[:2]) if limit % 2 else KeyError(values[-1])
    assert module.describe_exception(error, limit) == python_describe_exception(error, limit)


def test_canonical_takes_and_leaves_no_references(canonical: Canonical) -> None:
    for value in (Plain(a=[1]), Slotted([2]), Names(["a"]), {1: [2]}, {(1, 2)}, collections.deque([[3]]), Oops([4])):
        before = sys.getrefcount(value)
        for limit in (0, 3, 512):
            canonical(value, limit)
            canonical([value], limit)
        assert sys.getrefcount(value) == before


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({3, 1, 2}, "{1, 2, 3}"),
        (frozenset("ba"), "frozenset({'a', 'b'})"),
        (set(), "set()"),
        (frozenset(), "frozenset()"),
        (collections.Counter("aab"), "Counter({'a': 2, 'b': 1})"),
        (collections.defaultdict(list, a=[1]), "defaultdict(<class 'list'>, {'a': [1]})"),
        (collections.OrderedDict(a=1), "OrderedDict({'a': 1})"),
        (collections.deque([1, 2], maxlen=3), "deque([1, 2], maxlen=3)"),
        (Point(1, [2]), "Point(x=1, y=[2])"),
        (Plain(a=1, b=Plain()), "Plain(a=1, b=Plain())"),
        (Slotted(1), "Slotted(left=1, right=None)"),
        (Names(["a"]), "Names(['a'])"),
        (with_attribute(Names(["a"])), "Names(['a'], code=7)"),
        ([Colour.RED, Level.LOW, Mode.READ | Mode.WRITE], "[Colour.RED, Level.LOW, Mode.READ|WRITE]"),
        (Oops("bad", 2), "Oops('bad', 2)"),
        (with_attribute(Oops()), "Oops(code=7)"),
        ({1: 2}.keys(), "dict_keys([1])"),
        ({1: 2}.items(), "dict_items([(1, 2)])"),
        (range(0, 6, 2), "range(0, 6, 2)"),
        (range(3), "range(0, 3)"),
        (slice(None, 2), "slice(None, 2, None)"),
        ([int, Plain], "[<class 'int'>, <class 'Plain'>]"),
        (math, "<module 'math'>"),
        (math.floor, "<built-in function floor>"),
        ([].append, "<built-in method append of list object>"),
        (str.upper, "<method 'upper' of 'str' objects>"),
        (with_attribute, "<function with_attribute>"),
        (Plain().__init__, "<bound method Plain.__init__>"),
        ((c for c in "a"), "<generator <genexpr>>"),
        (object(), "<object>"),
        (iter([]), "<list_iterator>"),
        (datetime.date(2024, 2, 29), "datetime.date(2024, 2, 29)"),
        (decimal.Decimal("1.50"), "Decimal('1.50')"),
        (bytearray(b"a"), "bytearray(b'a')"),
        (..., "Ellipsis"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_canonical_of_objects_names_them_without_addresses(canonical: Canonical, value: object, expected: str) -> None:
    assert canonical(value) == expected


def test_canonical_of_cycles_ends_where_they_close(canonical: Canonical) -> None:
    items: list[Any] = [1]
    items.append({"self": items})
    node = Plain(x=1)
    node.__dict__["next"] = node
    names: Any = Names()
    names.append(names)
    assert canonical(items) == "[1, {'self': [...]}]"
    assert canonical(node) == "Plain(x=1, next=Plain(...))"
    assert canonical(names) == "Names([Names(...)])"


def test_canonical_of_moved_keys_follows_the_ordered_dict(canonical: Canonical) -> None:
    cache = collections.OrderedDict([("a", 1), ("b", 2)])
    cache.move_to_end("a")
    assert canonical(cache) == "OrderedDict({'b': 2, 'a': 1})"


def test_canonical_of_deep_nesting_is_cut(canonical: Canonical) -> None:
    value: list[Any] = []
    for _ in range(10_000):
        value = [value]
    assert canonical(value) == "[" * 65 + "..."


def test_canonical_of_huge_values_is_quick_and_cut(canonical: Canonical) -> None:
    assert canonical(1 << 10_000_000, 20) == "0x" + "1" + "0" * 17 + "..."
    assert canonical(-(1 << 20_000), 10_000) == hex(-(1 << 20_000))
    assert canonical("x" * 10_000_000, 5) == "'xxxx..."
    assert canonical(list(range(1_000_000)), 5) == "[0, 1..."
    assert canonical(set(range(1_000_000)), 5) == "{<100..."


def test_canonical_of_shared_sets_does_not_explode(canonical: Canonical) -> None:
    bomb: frozenset[Any] = frozenset({1})
    for _ in range(60):
        bomb = frozenset({bomb, (bomb,)})
    assert canonical(bomb) == "frozenset({<2 items>..."


def test_canonical_of_lone_surrogates_can_be_encoded(canonical: Canonical) -> None:
    value = [with_attribute(Plain(**{"\ud800": 1})), "\udfff", type("\ud83d\ude00x"[2:], (), {})]
    assert canonical(value) == "[Plain(\\ud800=1, code=7), '\\udfff', <class 'x'>]"


def test_canonical_with_an_absurd_cap_is_harmless(canonical: Canonical) -> None:
    assert canonical([1], -5) == canonical([1], 0) == "..."
    assert canonical({1, 2}, sys.maxsize) == "{1, 2}"


def test_canonical_ignores_the_digit_limit(canonical: Canonical) -> None:
    limit = sys.get_int_max_str_digits()
    try:
        sys.set_int_max_str_digits(640)
        assert canonical(1 << 4_000, 10_000) == hex(1 << 4_000)
    finally:
        sys.set_int_max_str_digits(limit)


def hostile_values() -> list[Any]:
    """One object per way in which a class may try to run code when it is looked at."""

    def explode(*_: object, **__: object) -> Any:
        raise AssertionError("user code was called")

    hooks = ["repr", "str", "eq", "hash", "iter", "len", "getattribute", "getattr", "getitem", "bool", "int", "index"]
    body = {f"__{hook}__": explode for hook in hooks}
    dictionary = property(explode)
    safe = {key: value for key, value in body.items() if key not in ("__getattribute__", "__getattr__")}
    meta = type("Meta", (type,), {**safe, "__call__": type.__call__, "__name__": property(explode)})
    values: list[Any] = [type("Evil", (base,), dict(body))() for base in (object, int, float, str, bytes, list, tuple)]
    values += [type("Evil", (base,), dict(body))() for base in (dict, set, frozenset, collections.deque, ValueError)]
    values += [type("Evil", (base,), dict(body))() for base in (collections.OrderedDict, collections.defaultdict)]
    values += [meta("Evil", (), {}), meta("Evil", (), {})(), type("Evil", (), {"__dict__": dictionary, **body})()]
    return values


@pytest.mark.parametrize("index", range(len(hostile_values())))
def test_canonical_never_calls_what_a_class_defines(canonical: Canonical, index: int) -> None:
    value = hostile_values()[index]
    assert "Evil" in canonical(value)
    assert "Evil" in canonical([value, {"k": value}])


def test_describe_exception_gives_type_and_message() -> None:
    for describe in {module.describe_exception, python_describe_exception}:
        assert describe(ValueError("no such 'x'")) == "ValueError: no such 'x'"
        assert describe(KeyError("k")) == "KeyError: 'k'"
        assert describe(Oops("bad", 2)) == "Oops: ('bad', 2)"
        assert describe(Oops()) == "Oops"
        assert describe(ValueError("x" * 100), 20) == "ValueError: xxxxxxxx..."
        assert describe(ValueError("ü\ud800")) == "ValueError: ü\\ud800"
