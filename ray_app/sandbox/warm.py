"""The standard modules that programs may import: loaded before the fork, as afterwards no file can be opened.

Every loaded module makes every fork dearer, so there are tiers. A program that needs more than the lean one is noticed
by its imports, or by the refusal that its run meets, and runs in the next one. The last also has every codec.
"""

import encodings
import importlib
import pkgutil
import re
import sys
import warnings
from itertools import pairwise

TIERS: tuple[str, ...] = ("lean", "full", "complete")
LEAN = frozenset(
    "abc bisect builtins collections collections.abc copy enum functools heapq itertools math operator re string sys"  # noqa: SIM905
    " time types typing __future__ _collections_abc".split()
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
_IMPORTS = re.compile(r"^[ \t]*(?:import|from)[ \t]+([^#\n;]*)", re.MULTILINE)


def tier_of(code: str) -> str:
    """ "lean" if every import that the text seems to make is of that tier. A wrong guess costs time, not truth."""
    for line in _IMPORTS.findall(code) if "import" in code else ():
        names = line.partition(" import")[0].split(",")
        if any(name.split(" as ")[0].strip() not in LEAN for name in names):
            return "full"
    return "lean"


def next_tier(tier: str) -> str | None:
    """The tier to try when a run was refused something that a larger one may have."""
    return next((larger for smaller, larger in pairwise(TIERS) if smaller == tier), None)


def load(tier: str) -> None:
    """Imports the tier's modules (those that this Python has) and makes the interpreter warm for forking."""
    warnings.simplefilter("ignore")
    names = sorted(LEAN) if tier == "lean" else [*sorted(LEAN), *_FULL, *sys.builtin_module_names]
    if tier == "complete":
        names += [f"encodings.{module.name}" for module in pkgutil.iter_modules(encodings.__path__)]
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:  # another version of Python, or one built without it
            continue
    space: dict[str, object] = {}
    exec(compile("class C:\n def f(s, x):\n  return [y for y in x]\nr = C().f('ab')", "<warm>", "exec"), space)
