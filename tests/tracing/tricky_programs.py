"""Programs that use what tracers get wrong, as (name, code, call): the tracers must agree on each, byte for byte."""

import textwrap

_PROGRAMS = {
    "delegation": """
        def inner(n):
            got = yield n
            try:
                yield got
            except KeyError as error:
                yield str(error)
            return n * 2
        def outer(n):
            result = yield from inner(n)
            yield result
        def f():
            pump = outer(3)
            seen = [next(pump), pump.send("x"), pump.throw(KeyError("k"))]
            seen.extend(pump)
            return seen
    """,
    "finally chain": """
        def f():
            log = []
            for i in range(3):
                try:
                    try:
                        if i == 1:
                            continue
                        log.append(10 // (i - 2))
                    finally:
                        log.append(i)
                except ZeroDivisionError:
                    log.append("zero")
            return log
    """,
    "with": """
        class Guard:
            def __init__(self, swallow):
                self.swallow = swallow
            def __enter__(self):
                return self
            def __exit__(self, kind, error, at):
                return self.swallow
        def f():
            with Guard(True) as g:
                raise ValueError("in")
            with Guard(False):
                with Guard(True):
                    int("x")
                [].pop()
            return g
    """,
    "reraise": """
        def f():
            try:
                try:
                    {}[1]
                except KeyError as first:
                    try:
                        int("y")
                    except ValueError:
                        pass
                    raise
            except LookupError as second:
                raise RuntimeError("wrapped") from second
    """,
    "raise in callee of handler": """
        def again():
            raise
        def f():
            try:
                1 / 0
            except ZeroDivisionError:
                again()
    """,
    "async": """
        class Wait:
            def __await__(self):
                got = yield "waiting"
                return got
        async def leaf(n):
            return n + await Wait()
        async def numbers(n):
            for i in range(n):
                yield i
        async def main():
            total = await leaf(1)
            async for i in numbers(3):
                total += i
            return total, [i async for i in numbers(2)]
        def f():
            task = main()
            task.send(None)
            try:
                task.send(41)
            except StopIteration as stop:
                return stop.value
    """,
    "closures and cells": """
        def f(a):
            b = a
            def set_both(x):
                nonlocal a, b
                a, b = x, [x]
                del b
                b = {x}
            set_both(5)
            fs = [lambda: i for i in range(3)]
            del a
            return b, [g() for g in fs]
    """,
    "classes": """
        def f():
            class Meta(type):
                def __call__(cls, *args):
                    made = super().__call__(*args)
                    made.tag = cls.__name__
                    return made
            class Base(metaclass=Meta):
                count = 0
                def __init__(self, x):
                    self.x = x
                def __eq__(self, other):
                    return self.x == other.x
                def __hash__(self):
                    return hash(self.x)
                @property
                def double(self):
                    return self.x * 2
                @classmethod
                def make(cls):
                    cls.count += 1
                    return cls(cls.count)
            class Child(Base):
                __slots__ = ("y",)
                def __init__(self, x):
                    super().__init__(x)
                    self.y = [self]
            c = Child(4)
            return {c, Base.make()}, c.double, c == Base(4)
    """,
    "match and walrus": """
        def f(items):
            found = []
            for item in items:
                match item:
                    case {"k": value, **rest} if (n := len(rest)):
                        found.append((value, n))
                    case [first, *others]:
                        found.append(others or first)
                    case str() as text:
                        found.append(text)
                    case _:
                        found.append(None)
            return found
    """,
    "comprehensions": """
        def f(rows):
            flat = [x for row in rows for x in row if x]
            table = {x: {y for y in flat if y > x} for x in flat}
            return sum(v for v in (len(s) for s in table.values())), sorted(table, key=lambda k: -k)
    """,
    "library callbacks": """
        import functools, itertools
        @functools.lru_cache(maxsize=None)
        def fib(n):
            return n if n < 2 else fib(n - 1) + fib(n - 2)
        def f():
            pairs = itertools.groupby([1, 1, 2], key=lambda x: x % 2)
            return fib(6), [(k, list(g)) for k, g in pairs], functools.reduce(lambda a, b: a * b, [1, 2, 3])
    """,
    "deep recursion": """
        def down(n):
            return 0 if n == 0 else 1 + down(n - 1)
        def f():
            return down(200)
    """,
    "abandoned generators": """
        def g(log):
            try:
                while True:
                    yield len(log)
            except GeneratorExit:
                log.append("exit")
                raise
            finally:
                log.append("end")
        def f():
            log = []
            next(g(log))
            a = g(log)
            next(a), next(a)
            a.close()
            b = g(log)
            b.close()
            return log
    """,
    "one line": """
        def f(n): x = 0; y = [x, n]; return [x := x + i for i in y] if n else y
    """,
    "own iterator": """
        class Count:
            def __init__(self, n):
                self.n = n
            def __iter__(self):
                return self
            def __next__(self):
                if self.n == 0:
                    raise StopIteration
                self.n -= 1
                return self.n
        def f():
            total = 0
            for i in Count(3):
                total += i
            else:
                total = -total
            return total, list(Count(2))
    """,
    "code made at run time": """
        def f():
            space = {}
            exec("def g(x):\\n    y = x + 1\\n    return y", space)
            return space["g"](1), eval("[i for i in range(2)]"), (lambda *a, **k: (a, k))(1, b=2)
    """,
    "frame tricks": """
        import sys
        def f(a):
            here = sys._getframe()
            held = locals()
            here.f_trace = None
            b = 2
            return a, b
    """,
    "many variables": "def f():\n" + "".join(f"    v{i} = {i}\n" for i in range(300)) + "    return v299\n",
    "unicode": """
        def f(größe):
            名 = "名" * größe + "\\n\\ud800"
            return 名, {名: b"\\xff"}
    """,
    "exception group": """
        def f():
            try:
                raise ExceptionGroup("many", [ValueError(1), KeyError("k")])
            except* ValueError as group:
                return_value = group
            except* KeyError:
                pass
            return 1
    """,
    "del and unbound": """
        def f(flag):
            if flag:
                x = 1
            del flag
            try:
                return x, flag
            except UnboundLocalError as error:
                return str(error)
    """,
}

_CALLS = {"closures and cells": "f(1)", "match and walrus": "f([{'k': 1, 'z': 2}, [1, 2], [3], 's', 4])"}
_CALLS |= {"comprehensions": "f([[1, 0], [2, 3]])", "one line": "f(3)", "frame tricks": "f(1)", "unicode": "f(2)"}
_CALLS |= {"del and unbound": "f(0)"}


def tricky() -> list[tuple[str, str, str]]:
    return [(name, textwrap.dedent(code), _CALLS.get(name, "f()")) for name, code in _PROGRAMS.items()]
