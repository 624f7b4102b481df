"""Looking at classes and instances without asking them: what `canonical` needs to know, through the slots, dictionaries
and descriptors of the built-in types only, so that no attribute, method or comparison of a program's class is used."""

import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Getter = Callable[[Any], Any]


def _getter(kind: Any, name: str) -> Getter:
    """Reads an attribute through the built-in type's descriptor: a class of the program may define its own."""
    return vars(kind)[name].__get__


type_name = _getter(type, "__name__")
type_qualname = _getter(type, "__qualname__")
_type_module = _getter(type, "__module__")
_type_mro = _getter(type, "__mro__")
type_dict = _getter(type, "__dict__")
_type_flags = _getter(type, "__flags__")
module_dict = _getter(types.ModuleType, "__dict__")
exception_args = _getter(BaseException, "args")
_exception_dict = _getter(BaseException, "__dict__")
default_factory = _getter(defaultdict, "default_factory")
deque_maxlen = _getter(deque, "maxlen")

_HEAP, _IMMUTABLE = 1 << 9, 1 << 8
_PLAIN_LIBRARY_TYPES = ("datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta", "decimal.Decimal")
_ATOMS = {id(t) for t in (int, float, bool, str, bytes, type(None))}


def plain(text: object) -> str:
    """The text as an exact str, so that no subclass's methods run, that UTF-8 can hold; "?" for anything else."""
    if not issubclass(type(text), str):
        return "?"
    exact = str.__str__(text)  # type: ignore[arg-type]
    return exact if exact.isascii() else exact.encode("utf-8", "backslashreplace").decode()


def find(mapping: Any, name: str, default: object = None) -> object:
    """`mapping.get(name, default)` without comparing with keys that a program may have made."""
    if mapping is None:
        return default
    for key, item in mapping.items():
        if type(key) is str and key == name:
            return item
    return default


def is_enum(kind: type) -> bool:
    meta = type(kind)
    return meta is not type and plain(type_name(meta)) == "EnumType"


def instance_dict(value: object) -> dict[Any, Any] | None:
    """The object's `__dict__` through the descriptor that its layout has, or None."""
    if issubclass(type(value), BaseException):
        return _exception_dict(value)
    for base in _type_mro(type(value)):
        descriptor = find(type_dict(base), "__dict__")
        if type(descriptor) is types.GetSetDescriptorType and descriptor.__objclass__ is base:
            found = types.GetSetDescriptorType.__get__(descriptor, value, type(value))
            return found if type(found) is dict else None
    return None


def has_slots(kind: type) -> bool:
    return any(_declares_slots(base) for base in _type_mro(kind))


def _declares_slots(kind: type) -> bool:
    return any(type(key) is str and key == "__slots__" for key in type_dict(kind))


def attributes(value: object) -> Iterator[tuple[Any, Any]]:
    """Slots from the oldest base on, then the instance dictionary, without names such as `__x__`."""
    for base in reversed(_type_mro(type(value))):
        if not _declares_slots(base):
            continue
        for name, member in type_dict(base).items():
            if type(member) is types.MemberDescriptorType and member.__objclass__ is base and not _is_dunder(name):
                try:
                    item = types.MemberDescriptorType.__get__(member, value, type(value))
                except AttributeError:
                    continue
                yield name, item
    for name, item in (instance_dict(value) or {}).items():
        if not _is_dunder(name):
            yield name, item


def _is_dunder(name: object) -> bool:
    return type(name) is str and name[:2] == "__" and name[-2:] == "__"


def namedtuple_fields(kind: type, value: Any) -> tuple[str, ...] | None:
    if not issubclass(kind, tuple):
        return None
    for base in _type_mro(kind):
        names = find(type_dict(base), "_fields")
        if names is not None:
            return names if type(names) is tuple and _are_fields(names, tuple.__len__(value)) else None
    return None


def _are_fields(names: tuple[Any, ...], count: int) -> bool:
    return len(names) == count and all(type(name) is str for name in names)


def ordered_items(value: Any, limit: int) -> Iterable[tuple[Any, Any]]:
    """An OrderedDict's first items in its own order. Hashing keys could run a program's code, so where a key is not
    an atom or a tuple of atoms, and where the order is corrupt, the order of the underlying dict."""
    if not all(_hashes_safely(key) for key in dict.keys(value)):
        return dict.items(value)
    found: list[tuple[Any, Any]] = []
    try:
        for key in OrderedDict.__iter__(value):
            found.append((key, dict.__getitem__(value, key) if dict.__contains__(value, key) else None))
            if len(found) >= limit:
                break
    except (KeyError, RuntimeError):
        return dict.items(value)
    return found


def _hashes_safely(key: object) -> bool:
    return id(type(key)) in _ATOMS or (type(key) is tuple and all(id(type(item)) in _ATOMS for item in key))


def is_plain_library_value(kind: type, value: Any) -> bool:
    """Whether the type is a C type of the standard library whose own `repr` is short and calls nothing foreign."""
    flags = _type_flags(kind)
    if type(kind) is not type or (flags & _HEAP and not flags & _IMMUTABLE):
        return False
    name = f"{_type_module(kind)}.{type_name(kind)}"
    return name in _PLAIN_LIBRARY_TYPES and (name not in _PLAIN_LIBRARY_TYPES[1:3] or value.tzinfo is None)
