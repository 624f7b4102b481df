"""The canonical text of a value: a `repr` that never runs the program's code and never depends on the machine.

Promises, for any object whatever its class defines:
- no method of a user's class is called: values are read through the base type's own slots and instance dictionaries;
- no addresses; sets in sorted order of their elements' texts; cycles as `[...]`, `{...}`, `(...)`, `Name(...)`;
- for None, bool, int (up to 14,000 bits), float, complex, str, bytes, list, tuple and dict, an untruncated text is what
  Python's `repr` gives; sets differ from it in order only. Longer ints are hexadecimal, so that no value takes
  quadratic time;
- a text of more than `max_chars` characters, or of something nested more than 64 deep, is cut there and ends in "...".

User objects are `Name(attribute=value)`, their dunder attributes left out; subclasses of built-in types are
`Name(base text, attribute=value)`; enum members `Name.MEMBER`; functions, classes and modules are named in angle
brackets. Not guaranteed: that two values with the same cut text are equal.

`canonical` and `describe_exception` are the C extension's where it is installed; the `python_` ones are the oracle it
is tested against.
"""

import types
from _collections import OrderedDict, defaultdict, deque  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ray_app.tracing.extension import extension

_Getter = Callable[[Any], Any]

MAX_DEPTH = 64
MAX_DECIMAL_BITS = 14_000
SET_WORK = 8
"""A set in which more than `SET_WORK * max_chars` objects would have to be visited to sort it prints its size only."""


def _getter(kind: Any, name: str) -> _Getter:
    """Reads an attribute through the built-in type's descriptor: a class of the program may define its own."""
    return vars(kind)[name].__get__


_type_name = _getter(type, "__name__")
_type_qualname = _getter(type, "__qualname__")
_type_module = _getter(type, "__module__")
_type_mro = _getter(type, "__mro__")
_type_dict = _getter(type, "__dict__")
_type_flags = _getter(type, "__flags__")
_module_dict = _getter(types.ModuleType, "__dict__")
_exception_args = _getter(BaseException, "args")
_exception_dict = _getter(BaseException, "__dict__")
_default_factory = _getter(defaultdict, "default_factory")
_deque_maxlen = _getter(deque, "maxlen")

_HEAP, _IMMUTABLE = 1 << 9, 1 << 8
_PLAIN_LIBRARY_TYPES = ("datetime.date", "datetime.datetime", "datetime.time", "datetime.timedelta", "decimal.Decimal")
_ATOMS = {id(t) for t in (int, float, bool, str, bytes, type(None))}


class _FullError(Exception):
    """The text has reached its cap."""


class _TooMuchWorkError(Exception):
    """A set needs more visits than are allowed."""


def python_canonical(value: object, max_chars: int = 512) -> str:
    """The canonical text of `value`, at most `max_chars` characters and then "..." if it is cut."""
    text, cut = _Writer(max_chars).text(value)
    return text + "..." if cut else text


def python_describe_exception(error: BaseException, max_chars: int = 512) -> str:
    """ "Type: message" as Python prints it, from `args` alone: a single string as it is, anything else canonical.

    (So an `OSError` shows its argument tuple rather than "[Errno 2] ...", and a user's `__str__` is not called.)
    """
    writer = _Writer(max_chars)
    text, cut = writer.run(lambda: writer.exception_message(error))
    return text + "..." if cut else text


class _Writer:
    """Collects the text of one value; `work` and `open_ids` are shared with the writers of set elements."""

    def __init__(self, max_chars: int, parent: "_Writer | None" = None) -> None:
        self.limit = max(0, max_chars)
        self.parts: list[str] = []
        self.size = 0
        self.in_set = parent is not None
        self.work: list[int] = parent.work if parent else [0]
        self.open_ids: list[int] = parent.open_ids if parent else []

    def run(self, write: Callable[[], None]) -> tuple[str, bool]:
        """The text that `write` emits, and whether it was cut."""
        depth = len(self.open_ids)
        try:
            write()
        except _FullError:
            del self.open_ids[depth:]
            return "".join(self.parts)[: self.limit], True
        return "".join(self.parts), False

    def text(self, value: object) -> tuple[str, bool]:
        return self.run(lambda: self.value(value))

    def emit(self, text: str) -> None:
        self.parts.append(text)
        self.size += len(text)
        if self.size > self.limit:
            raise _FullError

    def value(self, value: Any) -> None:
        self.work[0] += 1
        if self.in_set and self.work[0] > SET_WORK * self.limit:
            raise _TooMuchWorkError
        kind = type(value)
        write = _EXACT.get(id(kind))
        if write is None:
            write = _subclass_writer(kind)
        if write is not None:
            write(self, value)
        elif _is_plain_library_value(kind, value):
            self.emit(repr(value))
        else:
            self.instance(value)

    # Atoms

    def integer(self, value: int) -> None:
        bits = int.bit_length(value)
        if bits <= MAX_DECIMAL_BITS:
            try:
                return self.emit(int.__repr__(value))
            except ValueError:  # the program has lowered the interpreter's limit on decimal digits
                pass
        digits = (bits + 3) // 4
        top = int.__rshift__(int.__abs__(value), 4 * max(0, digits - self.limit))
        return self.emit(("-" if int.__lt__(value, 0) else "") + hex(top))

    def boolean(self, value: bool) -> None:
        self.emit("True" if value is True else "False")

    def float_(self, value: float) -> None:
        self.emit(float.__repr__(value))

    def complex_(self, value: complex) -> None:
        self.emit(complex.__repr__(value))

    def string(self, value: str) -> None:
        self.emit(repr(str.__getitem__(value, slice(0, self.limit))))

    def bytes_(self, value: bytes) -> None:
        self.emit(repr(bytes.__getitem__(value, slice(0, self.limit))))

    def bytearray_(self, value: bytearray) -> None:
        self.emit("bytearray(")
        self.emit(repr(bytes(bytearray.__getitem__(value, slice(0, self.limit)))))
        self.emit(")")

    def nothing(self, value: object) -> None:
        self.emit("None" if value is None else "Ellipsis" if value is ... else "NotImplemented")

    # Containers

    def nested(self, value: object, opening: str, closing: str, write: Callable[[], None], key: int = 0) -> None:
        """Brackets around what `write` emits, `...` between them if `value` is already being written."""
        key = key or id(value)
        self.emit(opening)
        if key in self.open_ids:
            self.emit("...")
        else:
            if len(self.open_ids) >= MAX_DEPTH:
                raise _FullError
            self.open_ids.append(key)
            write()
            self.open_ids.pop()
        self.emit(closing)

    def items(self, items: Iterator[Any]) -> None:
        for index, item in enumerate(items):
            if index:
                self.emit(", ")
            self.value(item)

    def list_(self, value: list[Any]) -> None:
        self.nested(value, "[", "]", lambda: self.items(list.__iter__(value)))

    def tuple_(self, value: tuple[Any, ...]) -> None:
        closing = ",)" if tuple.__len__(value) == 1 else ")"
        self.nested(value, "(", closing, lambda: self.items(tuple.__iter__(value)))

    def pairs(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        for index, (key, item) in enumerate(pairs):
            if index:
                self.emit(", ")
            self.value(key)
            self.emit(": ")
            self.value(item)

    def dict_(self, value: dict[Any, Any]) -> None:
        self.nested(value, "{", "}", lambda: self.pairs(dict.items(value)))

    def ordered_dict(self, value: Any) -> None:
        self.nested(value, "{", "}", lambda: self.pairs(_ordered_items(value, self.limit)))

    def set_(self, value: set[Any] | frozenset[Any]) -> None:
        kind: Any = set if issubclass(type(value), set) else frozenset
        elements = kind.__iter__(value)
        self.nested(value, "{", "}", lambda: self.set_elements(elements))

    def set_elements(self, elements: Any) -> None:
        count = elements.__length_hint__()
        try:
            texts = sorted(_Writer(self.limit, self).text(element) for element in elements)
        except _TooMuchWorkError:
            if self.in_set:
                raise
            self.emit(f"<{count} items>")
            raise _FullError from None
        for index, (text, cut) in enumerate(texts):
            self.emit(", " + text if index else text)
            if cut:
                raise _FullError

    def any_set(self, value: set[Any]) -> None:
        self.set_(value) if set.__len__(value) else self.emit("set()")

    def any_frozenset(self, value: frozenset[Any]) -> None:
        if frozenset.__len__(value):
            self.emit("frozenset(")
            self.set_(value)
            self.emit(")")
        else:
            self.emit("frozenset()")

    def deque_(self, value: Any) -> None:
        self.emit("deque(")
        self.deque_body(value)
        self.emit(")")

    def deque_body(self, value: Any) -> None:
        self.nested(value, "[", "]", lambda: self.items(deque.__iter__(value)))
        maxlen = _deque_maxlen(value)
        if maxlen is not None:
            self.emit(", maxlen=" + int.__repr__(maxlen))

    def defaultdict_body(self, value: Any) -> None:
        self.value(_default_factory(value))
        self.emit(", ")
        self.dict_(value)

    def view(self, value: Any) -> None:
        self.emit(type(value).__name__ + "(")
        self.nested(value, "[", "]", lambda: self.items(iter(value)))
        self.emit(")")

    def range_(self, value: range) -> None:
        self.emit("range(")
        fields = [value.start, value.stop] if value.step == 1 else [value.start, value.stop, value.step]
        self.items(iter(fields))
        self.emit(")")

    def slice_(self, value: slice) -> None:
        self.nested(value, "slice(", ")", lambda: self.items(iter((value.start, value.stop, value.step))))

    # Code and classes: by name

    def named(self, opening: str, name: object, closing: str = ">") -> None:
        self.emit(opening)
        self.emit(_plain(name))
        self.emit(closing)

    def class_(self, value: type) -> None:
        self.named("<class '", _type_qualname(value), "'>")

    def module(self, value: types.ModuleType) -> None:
        self.named("<module '", _find(_module_dict(value) or {}, "__name__"), "'>")

    def function(self, value: types.FunctionType) -> None:
        self.named("<function ", value.__qualname__)

    def builtin(self, value: types.BuiltinFunctionType) -> None:
        owner: object = value.__self__
        if owner is None or issubclass(type(owner), types.ModuleType):
            return self.named("<built-in function ", value.__name__)
        self.named("<built-in method ", value.__name__, " of ")
        return self.named("", _type_name(type(owner)), " object>")

    def method(self, value: types.MethodType) -> None:
        function: object = value.__func__
        self.named("<bound method ", function.__qualname__ if type(function) is types.FunctionType else "?")

    def descriptor(self, value: Any) -> None:
        self.emit(repr(value))

    def generator(self, value: Any) -> None:
        self.named("<" + type(value).__name__ + " ", value.__qualname__)

    # Instances of classes

    def subclass(self, value: Any, write_base: Callable[["_Writer", Any], None]) -> None:
        """`Name(base text, attribute=value)`, or a named tuple's fields."""

        def write() -> None:
            names = _namedtuple_fields(type(value), value)
            if names is None:
                write_base(self, value)
            else:
                self.fields(zip(names, tuple.__iter__(value), strict=True), False)
            self.fields(_attributes(value), names != ())

        self.object_(value, write)

    def instance(self, value: object) -> None:
        if _instance_dict(value) is None and not _has_slots(type(value)):
            self.named("<", _type_name(type(value)))
        else:
            self.object_(value, lambda: self.fields(_attributes(value), False))

    def object_(self, value: object, write: Callable[[], None]) -> None:
        """`Name(...)` around what `write` emits; an enum member by its name."""
        kind = type(value)
        member = _find(_instance_dict(value), "_name_") if _is_enum(kind) else None
        if type(member) is str:
            self.named("", _type_name(kind), ".")
            self.emit(_plain(member))
        else:
            # The complement tells the object from its base part, which may have brackets of its own.
            self.nested(value, _plain(_type_name(kind)) + "(", ")", write, ~id(value))

    def exception(self, value: BaseException) -> None:
        def write() -> None:
            arguments = _exception_args(value)
            self.items(tuple.__iter__(arguments))
            self.fields(_attributes(value), len(arguments) > 0)

        self.object_(value, write)

    def exception_message(self, error: BaseException) -> None:
        arguments = _exception_args(error)
        self.emit(_plain(_type_name(type(error))))
        if not arguments:
            return
        self.emit(": ")
        if len(arguments) > 1:
            self.value(arguments)
        elif type(arguments[0]) is str and not issubclass(type(error), KeyError):
            self.emit(_plain(arguments[0][: self.limit + 1]))
        else:
            self.value(arguments[0])

    def fields(self, fields: Iterable[tuple[Any, Any]], follows: bool) -> None:
        for name, item in fields:
            self.emit(", " if follows else "")
            follows = True
            if type(name) is str:
                self.emit(_plain(name))
            else:
                self.value(name)
            self.emit("=")
            self.value(item)


def _plain(text: object) -> str:
    """The text as an exact str, so that no subclass's methods run, that UTF-8 can hold; "?" for anything else."""
    if not issubclass(type(text), str):
        return "?"
    exact = str.__str__(text)  # type: ignore[arg-type]
    return exact if exact.isascii() else exact.encode("utf-8", "backslashreplace").decode()


def _find(mapping: Any, name: str) -> object:
    """`mapping.get(name)` without comparing with keys that a program may have made."""
    if mapping is None:
        return None
    for key, item in mapping.items():
        if type(key) is str and key == name:
            return item
    return None


def _is_enum(kind: type) -> bool:
    meta = type(kind)
    return meta is not type and _plain(_type_name(meta)) == "EnumType"


def _instance_dict(value: object) -> dict[Any, Any] | None:
    """The object's `__dict__` through the descriptor that its layout has, or None."""
    if issubclass(type(value), BaseException):
        return _exception_dict(value)
    for base in _type_mro(type(value)):
        descriptor = _find(_type_dict(base), "__dict__")
        if type(descriptor) is types.GetSetDescriptorType and descriptor.__objclass__ is base:
            found = types.GetSetDescriptorType.__get__(descriptor, value, type(value))
            return found if type(found) is dict else None
    return None


def _has_slots(kind: type) -> bool:
    return any(_declares_slots(base) for base in _type_mro(kind))


def _declares_slots(kind: type) -> bool:
    return any(type(key) is str and key == "__slots__" for key in _type_dict(kind))


def _attributes(value: object) -> Iterator[tuple[Any, Any]]:
    """Slots from the oldest base on, then the instance dictionary, without names such as `__x__`."""
    for base in reversed(_type_mro(type(value))):
        if not _declares_slots(base):
            continue
        for name, member in _type_dict(base).items():
            if type(member) is types.MemberDescriptorType and member.__objclass__ is base and not _is_dunder(name):
                try:
                    item = types.MemberDescriptorType.__get__(member, value, type(value))
                except AttributeError:
                    continue
                yield name, item
    for name, item in (_instance_dict(value) or {}).items():
        if not _is_dunder(name):
            yield name, item


def _is_dunder(name: object) -> bool:
    return type(name) is str and name[:2] == "__" and name[-2:] == "__"


def _namedtuple_fields(kind: type, value: Any) -> tuple[str, ...] | None:
    if not issubclass(kind, tuple):
        return None
    for base in _type_mro(kind):
        names = _find(_type_dict(base), "_fields")
        if names is not None:
            return names if type(names) is tuple and _are_fields(names, tuple.__len__(value)) else None
    return None


def _are_fields(names: tuple[Any, ...], count: int) -> bool:
    return len(names) == count and all(type(name) is str for name in names)


def _ordered_items(value: Any, limit: int) -> Iterable[tuple[Any, Any]]:
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


def _is_plain_library_value(kind: type, value: Any) -> bool:
    """Whether the type is a C type of the standard library whose own `repr` is short and calls nothing foreign."""
    flags = _type_flags(kind)
    if type(kind) is not type or (flags & _HEAP and not flags & _IMMUTABLE):
        return False
    name = f"{_type_module(kind)}.{_type_name(kind)}"
    return name in _PLAIN_LIBRARY_TYPES and (name not in _PLAIN_LIBRARY_TYPES[1:3] or value.tzinfo is None)


_EXACT: dict[int, Callable[[_Writer, Any], None]] = {
    id(int): _Writer.integer,
    id(bool): _Writer.boolean,
    id(float): _Writer.float_,
    id(complex): _Writer.complex_,
    id(str): _Writer.string,
    id(bytes): _Writer.bytes_,
    id(bytearray): _Writer.bytearray_,
    id(type(None)): _Writer.nothing,
    id(type(...)): _Writer.nothing,
    id(type(NotImplemented)): _Writer.nothing,
    id(list): _Writer.list_,
    id(tuple): _Writer.tuple_,
    id(dict): _Writer.dict_,
    id(set): _Writer.any_set,
    id(frozenset): _Writer.any_frozenset,
    id(deque): _Writer.deque_,
    id(type({}.keys())): _Writer.view,
    id(type({}.values())): _Writer.view,
    id(type({}.items())): _Writer.view,
    id(range): _Writer.range_,
    id(slice): _Writer.slice_,
    id(type): _Writer.class_,
    id(types.ModuleType): _Writer.module,
    id(types.FunctionType): _Writer.function,
    id(types.BuiltinFunctionType): _Writer.builtin,
    id(types.MethodType): _Writer.method,
    id(types.MethodDescriptorType): _Writer.descriptor,
    id(types.WrapperDescriptorType): _Writer.descriptor,
    id(types.GeneratorType): _Writer.generator,
    id(types.CoroutineType): _Writer.generator,
    id(types.AsyncGeneratorType): _Writer.generator,
}

_BASES: tuple[tuple[type, Callable[[_Writer, Any], None]], ...] = (
    (int, _Writer.integer),
    (float, _Writer.float_),
    (complex, _Writer.complex_),
    (str, _Writer.string),
    (bytes, _Writer.bytes_),
    (bytearray, _Writer.bytearray_),
    (list, _Writer.list_),
    (tuple, _Writer.tuple_),
    (defaultdict, _Writer.defaultdict_body),
    (OrderedDict, _Writer.ordered_dict),
    (dict, _Writer.dict_),
    (set, _Writer.any_set),
    (frozenset, _Writer.any_frozenset),
    (deque, _Writer.deque_body),
)
_DIRECT_BASES: tuple[tuple[type, Callable[[_Writer, Any], None]], ...] = (
    (BaseException, _Writer.exception),
    (type, _Writer.class_),
    (types.ModuleType, _Writer.module),
)


def _subclass_writer(kind: type) -> Callable[[_Writer, Any], None] | None:
    """How to write an instance of a proper subclass of a built-in type; None if it derives from `object` alone."""
    for base, write in _BASES:
        if issubclass(kind, base):
            return lambda writer, value: writer.subclass(value, write)
    for base, write in _DIRECT_BASES:
        if issubclass(kind, base):
            return write
    return None


canonical: Callable[..., str] = python_canonical if extension is None else extension.canonical
describe_exception: Callable[..., str] = (
    python_describe_exception if extension is None else extension.describe_exception
)
