"""The modules that programs may import: loaded before the fork, as afterwards no file can be opened.

Every loaded module makes every fork dearer, so there are tiers. A program that needs more than the lean one is noticed
by its imports, or by the refusal that its run meets, and runs in the next one. "complete" has the whole standard
library and every codec; "packages" also has those of `PACKAGES` that are installed where the server runs.
"""

import importlib
import os
import pkgutil
import re
import sys
import types
import warnings
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

TIERS: tuple[str, ...] = ("lean", "full", "complete", "packages")
OF_SCRIPTS = "full"
"""The smallest tier that has files, threads and standard streams, and runs whole programs."""
RECORDING = "+notes"
"""Behind a tier's name: servers that make records with notes (`ray_app.semantics`). Plain ones stay as they are."""
PACKAGES = tuple(os.environ.get("SEMRAY_PACKAGES", "numpy pandas sympy").split())
"""Third-party packages that programs may import. The environment variable names others; it is read once."""
# `unicodedata` for the compiler: identifiers outside ASCII are normalised with it.
LEAN = frozenset(
    "abc bisect builtins collections collections.abc copy enum functools heapq itertools math operator re string sys"  # noqa: SIM905
    " time types typing unicodedata __future__ _collections_abc".split()
)
_FULL = """
    array ast base64 binascii calendar cmath cmd code codecs colorsys configparser contextlib contextvars csv
    dataclasses datetime decimal difflib dis email.message encodings.ascii encodings.base64_codec encodings.cp1252
    encodings.cp437 encodings.hex_codec encodings.idna encodings.iso8859_1 encodings.latin_1 encodings.punycode
    encodings.quopri_codec encodings.raw_unicode_escape encodings.rot_13 encodings.unicode_escape encodings.utf_16
    encodings.utf_16_be encodings.utf_16_le encodings.utf_32 encodings.utf_32_be encodings.utf_32_le
    encodings.utf_8_sig encodings.uu_codec encodings.zlib_codec encodings.charmap encodings.undefined errno fnmatch
    fractions getpass getopt graphlib gettext glob gzip hashlib hmac html html.entities html.parser http imp inspect io
    ipaddress json keyword linecache locale logging lzma bz2 numbers opcode os os.path pathlib pickle pkgutil platform
    posixpath ntpath pprint queue quopri random reprlib resource sched secrets select shlex shutil signal socket
    sqlite3.dbapi2 stat statistics stringprep struct subprocess symtable tempfile textwrap threading timeit token
    tokenize traceback tracemalloc unicodedata unittest unittest.mock urllib.parse uuid warnings weakref xml.dom.minidom
    xml.etree.ElementTree xml.sax.saxutils zlib zoneinfo _strptime asyncio concurrent.futures.thread argparse marshal
    gc atexit fcntl cProfile profile pstats optparse rlcompleter copyreg importlib.util importlib.metadata
    multiprocessing decimal _pydecimal nturl2path zipfile mmap
""".split()  # noqa: SIM905
# What draws a window, talks at import, belongs to another system, or gives the interpreter's memory away.
_LEFT_OUT = frozenset(
    "antigravity ctypes ensurepip idlelib lib2to3 msilib msvcrt site test this tkinter turtle turtledemo venv winreg"  # noqa: SIM905
    " winsound".split()
)
_LEFT_ALONE = ("pyarrow", "numexpr", "numba", "torch", "tensorflow", "jax", "scipy", "matplotlib", "IPython", "pytest")
"""What packages load where it is installed and do without: it is large, or starts threads."""
_NO_PART = re.compile(
    r"\.(tests?|testing|conftest|setup|_?distutils|f2py|benchmarks|pyinstaller|popen_\w+|__main__|mbcs|oem|_?clipboard"
    r"|_?typing|\w+_doc)\b"
)
"""Of a package, what programs do not import: its own tests and tools."""
_IMPORTS = re.compile(r"^[ \t]*(?:import|from)[ \t]+([^#\n;]*)", re.MULTILINE)


def tier_of(code: str) -> str:
    """The smallest tier that has every import that the text seems to make. A wrong guess costs time, not truth."""
    tier = "lean"
    for line in _IMPORTS.findall(code) if "import" in code else ():
        for part in line.partition(" import")[0].split(","):
            name = part.split(" as ")[0].strip()
            if name.partition(".")[0] in PACKAGES:
                return "packages"
            if name not in LEAN:
                tier = "full"
    return tier


def next_tier(tier: str) -> str | None:
    """The tier to try when a run was refused something that a larger one may have.

    Packages are named by an import in the text, or not at all: nothing leads there from the standard library.
    """
    return next((larger for smaller, larger in pairwise(TIERS[:3]) if smaller == tier), None)


def base_tier(tier: str) -> str:
    """The tier without what is recorded in it."""
    return tier.removesuffix(RECORDING)


def load(tier: str) -> None:
    """Imports the tier's modules (those that this Python has) and makes the interpreter warm for forking."""
    tier = base_tier(tier)
    warnings.simplefilter("ignore")
    names = sorted(LEAN) if tier == "lean" else [*sorted(LEAN), *_FULL, *sys.builtin_module_names]
    _import(names)
    if tier in ("complete", "packages"):
        _import_whole(name for name in sorted(sys.stdlib_module_names - _LEFT_OUT) if not name.startswith("_"))
    if tier == "packages":
        _load_packages()
    if tier != "lean":
        _read_world()
    space: dict[str, object] = {}
    exec(compile("class C:\n def f(s, x):\n  return [y for y in x]\nr = C().f('ab')", "<warm>", "exec"), space)


def _import(names: Iterable[str]) -> None:
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:  # another version of Python, one built without it, or a package that is not installed
            continue


def _import_whole(names: Iterable[str]) -> None:
    """Imports modules with all their parts, as what a program imports later could not be found."""
    for name in names:
        _import([name])
        inside = getattr(sys.modules.get(name), "__path__", ())
        found = pkgutil.walk_packages(inside, f"{name}.", onerror=lambda _: None)
        _import(module.name for module in found if not _NO_PART.search(module.name))


def _load_packages() -> None:
    """Imports the packages that are there, and pins what they draw at random."""
    left_alone = [name for name in _LEFT_ALONE if name not in PACKAGES]
    blocked: dict[str, Any] = dict.fromkeys(left_alone)
    sys.modules.update(blocked)  # a forked child has none of their threads, and waits for them
    _import_whole(PACKAGES)
    for name in left_alone:
        del sys.modules[name]
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)


def _read_world() -> None:
    """Reads the machine's stand-ins. Programs see them, so they run apart from trusted code and its builtins."""
    from ray_app.sandbox import world

    package: Any = types.ModuleType("_world")
    sys.modules["_world"] = package
    for name in world.PARTS:
        part = types.ModuleType(f"_world.{name}")
        part.__dict__["__builtins__"] = sys.modules["builtins"]
        setattr(package, name, part)
        path = os.path.join(os.path.dirname(world.__file__), f"{name}.py")
        with open(path, encoding="utf-8") as source:
            exec(compile(source.read(), f"<sandbox {name}>", "exec"), part.__dict__)
    global script
    script = package.script
    _parts.extend(getattr(package, name) for name in world.PARTS)
    del sys.modules["_world"]


def install() -> None:
    """Puts the stand-ins in the machine's place: the last thing before programs run, as trusted code needs the machine.

    From then on it works with its own copies of modules (see `guard.hide`). Who has imported a function by name, or
    took it for a default, gets the stand-in too.
    """
    replaced: dict[Any, Any] = {}
    for part in _parts:
        if hasattr(part, "install"):
            replaced.update(part.install() or {})
    for original, stand_in in replaced.items():
        if type(stand_in) is types.FunctionType:
            stand_in.__name__ = stand_in.__qualname__ = original.__name__
            stand_in.__module__ = original.__module__
    if replaced:
        for module in list(sys.modules.values()):
            _replace(getattr(module, "__dict__", {}), replaced)


def _replace(space: dict[str, Any], replaced: dict[Any, Any]) -> None:
    """Puts stand-ins into a module: its names, and the defaults of its functions and methods."""
    stand_ins = {id(original): stand_in for original, stand_in in replaced.items()}
    functions = [value for value in space.values() if type(value) is types.FunctionType]
    for kind in [value for value in space.values() if type(value) is type]:
        functions += [value for value in vars(kind).values() if type(value) is types.FunctionType]
    for name, value in list(space.items()):
        if id(value) in stand_ins:
            space[name] = stand_ins[id(value)]
    for function in functions:
        defaults = function.__defaults__ or ()
        if any(id(value) in stand_ins for value in defaults):
            function.__defaults__ = tuple(stand_ins.get(id(value), value) for value in defaults)


script: Any = None
"""The stand-in that begins and ends whole programs (`world/script.py`); None in the lean tier."""
_parts: list[Any] = []
