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
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ray_app.tracing.extension import extension
from ray_app.tracing.introspection import (
    attributes,
    default_factory,
    deque_maxlen,
    exception_args,
    find,
    has_slots,
    instance_dict,
    is_enum,
    is_plain_library_value,
    module_dict,
    namedtuple_fields,
    ordered_items,
    plain,
    type_name,
    type_qualname,
)

MAX_DEPTH = 64
MAX_DECIMAL_BITS = 14_000
SET_WORK = 8
"""A set in which more than `SET_WORK * max_chars` objects would have to be visited to sort it prints its size only."""


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
        elif is_plain_library_value(kind, value):
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
        self.nested(value, "{", "}", lambda: self.pairs(ordered_items(value, self.limit)))

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
        maxlen = deque_maxlen(value)
        if maxlen is not None:
            self.emit(", maxlen=" + int.__repr__(maxlen))

    def defaultdict_body(self, value: Any) -> None:
        self.value(default_factory(value))
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
        self.emit(plain(name))
        self.emit(closing)

    def class_(self, value: type) -> None:
        self.named("<class '", type_qualname(value), "'>")

    def module(self, value: types.ModuleType) -> None:
        self.named("<module '", find(module_dict(value) or {}, "__name__"), "'>")

    def function(self, value: types.FunctionType) -> None:
        self.named("<function ", value.__qualname__)

    def builtin(self, value: types.BuiltinFunctionType) -> None:
        owner: object = value.__self__
        if owner is None or issubclass(type(owner), types.ModuleType):
            return self.named("<built-in function ", value.__name__)
        self.named("<built-in method ", value.__name__, " of ")
        return self.named("", type_name(type(owner)), " object>")

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
            names = namedtuple_fields(type(value), value)
            if names is None:
                write_base(self, value)
            else:
                self.fields(zip(names, tuple.__iter__(value), strict=True), False)
            self.fields(attributes(value), names != ())

        self.object_(value, write)

    def instance(self, value: object) -> None:
        if instance_dict(value) is None and not has_slots(type(value)):
            self.named("<", type_name(type(value)))
        else:
            self.object_(value, lambda: self.fields(attributes(value), False))

    def object_(self, value: object, write: Callable[[], None]) -> None:
        """`Name(...)` around what `write` emits; an enum member by its name."""
        kind = type(value)
        member = find(instance_dict(value), "_name_") if is_enum(kind) else None
        if type(member) is str:
            self.named("", type_name(kind), ".")
            self.emit(plain(member))
        else:
            # The complement tells the object from its base part, which may have brackets of its own.
            self.nested(value, plain(type_name(kind)) + "(", ")", write, ~id(value))

    def exception(self, value: BaseException) -> None:
        def write() -> None:
            arguments = exception_args(value)
            self.items(tuple.__iter__(arguments))
            self.fields(attributes(value), len(arguments) > 0)

        self.object_(value, write)

    def exception_message(self, error: BaseException) -> None:
        arguments = exception_args(error)
        self.emit(plain(type_name(type(error))))
        if not arguments:
            return
        self.emit(": ")
        if len(arguments) > 1:
            self.value(arguments)
        elif type(arguments[0]) is str and not issubclass(type(error), KeyError):
            self.emit(plain(arguments[0][: self.limit + 1]))
        else:
            self.value(arguments[0])

    def fields(self, fields: Iterable[tuple[Any, Any]], follows: bool) -> None:
        for name, item in fields:
            self.emit(", " if follows else "")
            follows = True
            if type(name) is str:
                self.emit(plain(name))
            else:
                self.value(name)
            self.emit("=")
            self.value(item)


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
