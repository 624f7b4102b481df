"""Whole programs, written for the comparison with plain Python: contest style, streams, files, exits, threads, errors.

`PROGRAMS` are (name, code, standard input, arguments). Nothing in them depends on the machine or the time.
"""

from typing import NamedTuple


class Program(NamedTuple):
    """A program with what it is given."""

    name: str
    code: str
    stdin: str = ""
    arguments: tuple[str, ...] = ()


_TEXT = r'''
==== sum_two < 3 4\n
a, b = map(int, input().split())
print(a + b)
==== read_all < 1 2 3\n4 5\n
import sys
print(sum(map(int, sys.stdin.read().split())))
==== buffer_read < 10 20\n
import sys
data = sys.stdin.buffer.read().split()
print(int(data[0]) * int(data[1]))
==== buffer_readline < a b\nc\n
import sys
line = sys.stdin.buffer.readline()
print(line, sys.stdin.buffer.readline(), sys.stdin.buffer.readline())
==== readlines < x\ny\nz
import sys
print(sys.stdin.readlines())
==== iterate < one\ntwo\n\nthree
import sys
for number, line in enumerate(sys.stdin):
    print(number, repr(line))
==== input_alias < 2\n5 6\n7 8\n
import sys
input = sys.stdin.readline
for _ in range(int(input())):
    a, b = map(int, input().split())
    print(a * b)
==== until_eof < 1\n2\n3\n
total = 0
while True:
    try:
        total += int(input())
    except EOFError:
        break
print(total)
==== eof_error <
x = input()
print(x)
==== eof_second < only\n
x = input()
y = input()
==== prompt < Ann\n
name = input("Name? ")
print("Hello", name)
==== bad_int < abc\n
n = int(input())
print(n)
==== open_zero < 5\n1 2 3 4 5\n
n, *rest = map(int, open(0).read().split())
print(n, rest)
==== os_read < 7 8\n
import os
data = os.read(0, 1000)
os.write(1, b"%d\n" % sum(map(int, data.split())))
==== fast_io < 3\n1\n2\n3\n
import os, sys
from io import BytesIO, IOBase

class FastIO(IOBase):
    newlines = 0
    def __init__(self, file):
        self._fd = file.fileno()
        self.buffer = BytesIO()
        self.writable = "x" in file.mode or "r" not in file.mode
        self.write = self.buffer.write if self.writable else None
    def read(self):
        while True:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, 8192))
            if not b:
                break
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines = 0
        return self.buffer.read()
    def readline(self):
        while self.newlines == 0:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, 8192))
            self.newlines = b.count(b"\n") + (not b)
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines -= 1
        return self.buffer.readline()
    def flush(self):
        if self.writable:
            os.write(self._fd, self.buffer.getvalue())
            self.buffer.truncate(0), self.buffer.seek(0)

class IOWrapper(IOBase):
    def __init__(self, file):
        self.buffer = FastIO(file)
        self.flush = self.buffer.flush
        self.writable = self.buffer.writable
        self.write = lambda s: self.buffer.write(s.encode("ascii"))
        self.read = lambda: self.buffer.read().decode("ascii")
        self.readline = lambda: self.buffer.readline().decode("ascii")

sys.stdin, sys.stdout = IOWrapper(sys.stdin), IOWrapper(sys.stdout)
input = lambda: sys.stdin.readline().rstrip("\r\n")
for _ in range(int(input())):
    print(int(input()) ** 2)
==== crlf_input < 1\r\n2\r\n
print(repr(input()), repr(input()))
==== unicode_io < ключ ✓\n
word = input()
print(word.upper(), len(word))
==== write_methods <
import sys
sys.stdout.write("a\n")
sys.stdout.writelines(["b\n", "c\n"])
sys.stdout.buffer.write(b"d\n")
print("e", end="!\n", sep="")
print("f", "g", sep="-", flush=True)
==== stdout_mixed <
import sys
print("text")
sys.stdout.flush()
sys.stdout.buffer.write(b"bytes\n")
sys.stdout.buffer.flush()
print("text again")
==== stderr_prints <
import sys
print("out")
print("err", file=sys.stderr)
sys.stderr.write("more\n")
==== stdin_attributes <
import sys
print(sys.stdin.name, sys.stdout.name, sys.stderr.name, sys.stdin.mode, sys.stdout.mode)
print(sys.stdin.isatty(), sys.stdin.fileno(), sys.stdout.fileno(), sys.stderr.fileno(), sys.stdin.encoding)
print(sys.stdin.readable(), sys.stdout.writable(), sys.stdout.line_buffering, sys.stderr.line_buffering)
==== main_guard < 9\n
def solve(n):
    return n * n

def main():
    print(solve(int(input())))

if __name__ == "__main__":
    main()
==== names <
print(__name__, __doc__, __package__, __spec__)
==== docstring <
"""What it is."""
print(__doc__)
==== arguments < | one --two=2
import sys
print(len(sys.argv), sys.argv[1:])
==== argparse_good < | 3 --times 2
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("number", type=int)
parser.add_argument("--times", type=int, default=1)
given = parser.parse_args()
print(given.number * given.times)
==== argparse_bad < | x
import argparse
parser = argparse.ArgumentParser(prog="tool")
parser.add_argument("number", type=int)
parser.parse_args()
==== argparse_help < | --help
import argparse
parser = argparse.ArgumentParser(prog="tool", description="A tool.")
parser.add_argument("-v", action="store_true", help="say more")
parser.parse_args()
==== getopt_options < | -a 1 rest
import getopt, sys
print(getopt.getopt(sys.argv[1:], "a:b"))
==== exit_three <
import sys
print("before")
sys.exit(3)
==== exit_none <
import sys
sys.exit()
==== exit_zero <
raise SystemExit(0)
==== exit_text <
import sys
sys.exit("went wrong")
==== exit_true <
import sys
sys.exit(True)
==== exit_large <
import sys
sys.exit(256 + 7)
==== exit_negative <
import sys
sys.exit(-1)
==== exit_list <
import sys
sys.exit([1, 2])
==== exit_builtin <
exit(5)
==== quit_builtin <
quit()
==== exit_caught <
import sys
try:
    sys.exit(4)
except SystemExit as leaving:
    print("caught", leaving.code)
==== exit_in_finally <
import sys
try:
    sys.exit(4)
finally:
    print("cleaning")
==== os_exit <
import os
print("lost")
os._exit(6)
==== os_exit_flushed <
import os, sys
sys.stdout.flush()
os._exit(0)
==== atexit_order <
import atexit
atexit.register(print, "first registered")
@atexit.register
def later():
    print("second registered")
print("body")
==== atexit_after_error <
import atexit
atexit.register(print, "bye")
1 / 0
==== atexit_unregister <
import atexit
def f():
    print("never")
atexit.register(f)
atexit.unregister(f)
==== zero_division <
def f(x):
    return 1 / x

f(0)
==== key_error <
table = {"a": 1}
print(table["b"])
==== custom_error <
class Wrong(Exception):
    """Mine."""

raise Wrong("so", 1)
==== error_from <
try:
    int("x")
except ValueError as error:
    raise RuntimeError("cannot read") from error
==== error_during <
try:
    [][0]
except IndexError:
    {}["k"]
==== error_suppressed <
try:
    [][0]
except IndexError:
    raise KeyError("k") from None
==== error_notes <
error = ValueError("bad")
error.add_note("look here")
raise error
==== error_group <
raise ExceptionGroup("several", [ValueError("a"), TypeError("b")])
==== except_star <
try:
    raise ExceptionGroup("g", [ValueError(1), KeyError(2)])
except* ValueError as group:
    print("values", len(group.exceptions))
==== assertion <
x = 3
assert x > 5, f"x is {x}"
==== assertion_bare <
assert [1] == [2]
==== recursion <
def f(n):
    return f(n + 1)

try:
    f(0)
except RecursionError as error:
    print(type(error).__name__)
==== recursion_uncaught <
def f(n):
    return f(n + 1) + 1

f(0)
==== name_error <
number = 3
print(numbr)
==== attribute_error <
import math
print(math.sqr(2))
==== type_error <
print("a" + 1)
==== syntax_error <
print("never")
x = (1, 2
y = 3
==== indentation_error <
def f():
return 1
==== tab_error <
if True:
        x = 1
	y = 2
==== return_outside <
return 5
==== syntax_in_string <
eval("1 +")
==== keyboard_caught <
try:
    raise KeyboardInterrupt
except KeyboardInterrupt:
    print("stopped")
==== stop_iteration <
next(iter([]))
==== generator_return <
def g():
    yield 1
    return 2
it = g()
print(next(it))
next(it)
==== excepthook <
import sys
def hook(kind, error, trace):
    print("hooked", kind.__name__, error)
sys.excepthook = hook
raise ValueError("x")
==== traceback_print <
import traceback
try:
    {}["x"]
except KeyError:
    traceback.print_exc()
    print(traceback.format_exc().splitlines()[-1])
==== traceback_deep <
def a(n):
    if n == 0:
        raise ValueError("deep")
    a(n - 1)

a(6)
==== warnings_once <
import warnings
warnings.simplefilter("error")
try:
    warnings.warn("careful")
except UserWarning as error:
    print(error)
==== logging_basic <
import logging
logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO)
logging.info("told %d", 3)
logging.debug("not told")
logging.getLogger("x").warning("warned")
==== file_round_trip <
with open("a.txt", "w") as file:
    file.write("one\ntwo\n")
with open("a.txt", "a") as file:
    print("three", file=file)
print(open("a.txt").read().split())
==== file_missing <
try:
    open("missing.txt")
except FileNotFoundError as error:
    print(error.errno, error.filename, error)
==== file_missing_uncaught <
open("nothing/here.txt", "w")
==== file_modes <
open("f", "w").write("abcdef")
with open("f", "r+") as file:
    file.seek(2)
    file.write("XY")
    file.seek(0)
    print(file.read(), file.tell())
with open("f", "rb") as file:
    print(file.read(2), file.tell(), file.seek(-1, 2), file.read())
try:
    open("f", "x")
except FileExistsError as error:
    print("exists", error.errno)
try:
    open("f", "q")
except ValueError as error:
    print(error)
==== file_not_readable <
import io
with open("f", "w") as file:
    try:
        file.read()
    except io.UnsupportedOperation as error:
        print(error)
try:
    file.write("x")
except ValueError as error:
    print(error)
==== file_truncate <
with open("f", "w+") as file:
    file.write("0123456789")
    file.truncate(4)
    file.seek(0)
    print(file.read())
==== file_encoding <
with open("f", "w", encoding="latin-1") as file:
    file.write("é")
print(open("f", "rb").read())
try:
    open("f", encoding="utf-8").read()
except UnicodeDecodeError as error:
    print(error.reason)
==== file_newlines <
with open("f", "w", newline="\r\n") as file:
    file.write("a\nb\n")
print(open("f", "rb").read(), open("f").read().splitlines(), repr(open("f", newline="").read()))
==== file_names <
file = open("name.txt", "w")
print(file.name, file.mode, file.closed, file.encoding.lower(), file.fileno() > 2)
file.close()
print(file.closed)
==== directories <
import os
os.mkdir("d")
os.makedirs("d/e/f", exist_ok=True)
open("d/x", "w").close()
print(sorted(os.listdir("d")), os.path.isdir("d/e"), os.path.isfile("d/x"), os.path.exists("d/z"))
os.rename("d/x", "d/y")
os.remove("d/y")
os.rmdir("d/e/f")
try:
    os.rmdir("d")
except OSError as error:
    print(error.strerror)
print([(path, dirs, files) for path, dirs, files in os.walk("d")])
==== directory_errors <
import os
for action in (lambda: os.listdir("no"), lambda: os.remove("no"), lambda: os.mkdir("/tmp"), lambda: open("/tmp"),
               lambda: os.rename("no", "yes"), lambda: os.chdir("no"), lambda: os.stat("")):
    try:
        action()
    except OSError as error:
        print(type(error).__name__, error.errno, error.strerror)
==== chdir <
import os
os.makedirs("p/q")
os.chdir("p/q")
print(os.path.basename(os.getcwd()))
open("in.txt", "w").write("x")
os.chdir("../..")
print(os.path.getsize("p/q/in.txt"))
==== pathlib_use <
from pathlib import Path
folder = Path("data")
folder.mkdir()
(folder / "a.txt").write_text("α\n", encoding="utf-8")
(folder / "b.bin").write_bytes(b"\0\1")
print(sorted(path.name for path in folder.iterdir()), (folder / "a.txt").read_text(encoding="utf-8"))
print([path.suffix for path in sorted(folder.glob("*"))], (folder / "b.bin").stat().st_size, folder.is_dir())
(folder / "a.txt").rename(folder / "c.txt")
(folder / "c.txt").unlink()
print(Path("nowhere").exists(), sorted(path.as_posix() for path in folder.rglob("*")))
==== shutil_use <
import os, shutil
os.makedirs("src/in")
open("src/a", "w").write("1")
open("src/in/b", "w").write("2")
shutil.copy("src/a", "copy")
shutil.copytree("src", "dst")
shutil.move("dst/a", "moved")
print(open("copy").read(), open("moved").read(), sorted(os.listdir("dst")), open("dst/in/b").read())
shutil.rmtree("src")
print(os.path.exists("src"))
==== tempfile_use <
import os, tempfile
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "x")
    open(path, "w").write("t")
    print(open(path).read())
print(os.path.exists(folder))
with tempfile.NamedTemporaryFile("w+", suffix=".txt") as file:
    file.write("abc")
    file.seek(1)
    print(file.read(), file.name.endswith(".txt"))
with tempfile.TemporaryFile() as file:
    file.write(b"xyz")
    file.seek(0)
    print(file.read())
with tempfile.SpooledTemporaryFile(max_size=3) as file:
    file.write(b"longer")
    file.seek(0)
    print(file.read())
==== fileinput_use <
import fileinput
open("a", "w").write("1\n2\n")
open("b", "w").write("3\n")
for line in fileinput.input(["a", "b"]):
    print(fileinput.filename(), fileinput.filelineno(), fileinput.lineno(), line.strip())
==== fileinput_stdin < p\nq\n
import fileinput
for line in fileinput.input():
    print(fileinput.isstdin(), line.rstrip())
==== csv_file <
import csv
with open("t.csv", "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["a", "b,c"])
    writer.writerow([1, 'q"r'])
print(open("t.csv").read())
print(list(csv.DictReader(open("t.csv"))))
==== json_file <
import json
with open("t.json", "w") as file:
    json.dump({"a": [1, None, True]}, file)
print(json.load(open("t.json")))
==== json_error <
import json
json.loads("{bad")
==== pickle_file <
import pickle
class Point:
    def __init__(self, x):
        self.x = x
pickle.dump(Point(3), open("p", "wb"))
print(pickle.load(open("p", "rb")).x, Point.__module__)
==== gzip_file <
import gzip, bz2, lzma
for module in (gzip, bz2, lzma):
    with module.open("z", "wt") as file:
        file.write("packed")
    print(module.open("z", "rt").read())
==== zip_file <
import zipfile
with zipfile.ZipFile("z.zip", "w") as archive:
    archive.writestr("in/a.txt", "hello")
with zipfile.ZipFile("z.zip") as archive:
    print(archive.namelist(), archive.read("in/a.txt"))
==== configparser_file <
import configparser
open("c.ini", "w").write("[s]\nk = v\n")
parser = configparser.ConfigParser()
print(parser.read(["c.ini", "missing.ini"]), parser["s"]["k"])
==== shelve_like <
import sqlite3
db = sqlite3.connect(":memory:")
db.execute("create table t (a, b)")
db.executemany("insert into t values (?, ?)", [(1, "x"), (2, "y")])
print(db.execute("select sum(a), max(b) from t").fetchone())
==== descriptor_calls <
import os
fd = os.open("f", os.O_RDWR | os.O_CREAT, 0o600)
print(os.write(fd, b"hello"), os.lseek(fd, 1, os.SEEK_SET), os.read(fd, 3), os.fstat(fd).st_size)
os.ftruncate(fd, 2)
os.close(fd)
print(os.path.getsize("f"))
try:
    os.read(fd, 1)
except OSError as error:
    print(error.errno)
==== own_source <
print(len(open(__file__).read().splitlines()))
==== inspect_source <
import inspect
def f(x):
    return x + 1
print(inspect.getsource(f))
==== threads_join <
import threading
results = []
def work(n):
    results.append(n * n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(results), threading.active_count())
==== threads_lock <
import threading
count = 0
lock = threading.Lock()
def add():
    global count
    for _ in range(100):
        with lock:
            count += 1
threads = [threading.Thread(target=add) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(count, lock.locked())
==== threads_queue <
import queue, threading
jobs, done = queue.Queue(), []
def work():
    while True:
        job = jobs.get()
        if job is None:
            break
        done.append(job * 2)
        jobs.task_done()
thread = threading.Thread(target=work)
thread.start()
for n in range(4):
    jobs.put(n)
jobs.put(None)
thread.join()
print(done, thread.is_alive())
==== threads_produce <
import queue, threading
box = queue.Queue()
def produce():
    for n in range(3):
        box.put(n)
    box.put(None)
def consume(out):
    while (item := box.get()) is not None:
        out.append(item)
out = []
consumer = threading.Thread(target=consume, args=(out,))
producer = threading.Thread(target=produce)
consumer.start(); producer.start()
producer.join(); consumer.join()
print(out)
==== threads_event <
import threading
ready, log = threading.Event(), []
def waiter():
    ready.wait()
    log.append("went")
thread = threading.Thread(target=waiter)
thread.start()
ready.set()
thread.join()
print(log)
==== threads_daemon <
import threading, time
thread = threading.Thread(target=time.sleep, args=(0.01,), daemon=True)
thread.start()
thread.join()
print(thread.daemon, thread.name, threading.current_thread().name)
==== threads_error <
import threading
def fail():
    raise ValueError("inside")
thread = threading.Thread(target=fail, name="T")
thread.start()
thread.join()
print("after")
==== threads_local <
import threading
seen = []
class Worker(threading.Thread):
    def run(self):
        seen.append(threading.current_thread() is self)
worker = Worker()
worker.start()
worker.join()
print(seen)
==== threads_not_joined <
import threading
threading.Thread(target=lambda: print("from the thread")).start()
==== threads_twice <
import threading
thread = threading.Thread(target=print)
thread.start()
thread.join()
try:
    thread.start()
except RuntimeError as error:
    print(error)
==== executor_map <
from concurrent.futures import ThreadPoolExecutor, as_completed
with ThreadPoolExecutor(max_workers=3) as pool:
    print(list(pool.map(pow, [2, 3], [5, 2])))
    futures = [pool.submit(len, word) for word in ("a", "bcd")]
    print(sorted(future.result() for future in as_completed(futures)))
    failing = pool.submit(int, "x")
    print(type(failing.exception()).__name__, failing.done())
==== timer_thread <
import threading
timer = threading.Timer(0.01, print, ["rang"])
timer.start()
timer.join()
==== semaphore <
import threading
gate, peak, now = threading.Semaphore(2), [0], [0]
def work():
    with gate:
        now[0] += 1
        peak[0] = max(peak[0], now[0])
        now[0] -= 1
threads = [threading.Thread(target=work) for _ in range(5)]
[t.start() for t in threads]; [t.join() for t in threads]
print(peak[0] <= 2, now)
==== sleep_order <
import time
begun = time.monotonic()
time.sleep(0.02)
print(time.monotonic() - begun >= 0.02)
try:
    time.sleep(-1)
except ValueError as error:
    print(error)
==== asyncio_gather <
import asyncio
async def work(n, wait):
    await asyncio.sleep(wait)
    print("done", n)
    return n
async def main():
    print(await asyncio.gather(work(1, 0.02), work(2, 0.01)))
asyncio.run(main())
==== asyncio_queue <
import asyncio
async def produce(q):
    for n in range(3):
        await q.put(n)
    await q.put(None)
async def consume(q):
    while (n := await q.get()) is not None:
        print(n)
async def main():
    q = asyncio.Queue(1)
    await asyncio.gather(produce(q), consume(q))
asyncio.run(main())
==== asyncio_timeout <
import asyncio
async def main():
    try:
        await asyncio.wait_for(asyncio.sleep(1), 0.01)
    except asyncio.TimeoutError:
        print("late")
asyncio.run(main())
==== asyncio_error <
import asyncio
async def main():
    raise ValueError("async")
asyncio.run(main())
==== dataclass_repr <
from dataclasses import dataclass, field, asdict
@dataclass(order=True)
class Card:
    rank: int
    suit: str = "s"
    tags: list = field(default_factory=list)
print(Card(3), Card(1) < Card(2), asdict(Card(2, "h")))
==== enum_auto <
from enum import Enum, auto
class Colour(Enum):
    RED = auto()
    BLUE = auto()
print(Colour.RED, list(Colour), Colour(2).name)
==== decimal_money <
from decimal import Decimal, getcontext, ROUND_HALF_UP
getcontext().prec = 6
print(Decimal(1) / Decimal(7), Decimal("2.675").quantize(Decimal("0.01"), ROUND_HALF_UP))
==== fractions_sum <
from fractions import Fraction
print(sum(Fraction(1, n) for n in range(1, 5)))
==== unicodedata_names <
import unicodedata
print(unicodedata.name("é"), unicodedata.normalize("NFD", "é") == "e\u0301", unicodedata.category("A"))
==== greek_names <
α, βήτα = 3, 4
print(α + βήτα)
==== statistics_use < 3 1 2\n
import statistics
values = list(map(int, input().split()))
print(statistics.mean(values), statistics.median(values), round(statistics.stdev(values), 3))
==== random_seeded <
import random
random.seed(5)
print([random.randint(1, 6) for _ in range(5)], random.choice("abc"), round(random.random(), 6))
==== datetime_use <
from datetime import date, datetime, timedelta
print(date(2024, 2, 28) + timedelta(days=2), datetime(2020, 1, 1, 5).isoformat(), (date(2024, 1, 1)).strftime("%A"))
==== calendar_use <
import calendar
print(calendar.month(2024, 2))
==== re_use < a1b22c333\n
import re
print(re.findall(r"[a-z](\d+)", input()))
==== textwrap_use <
import textwrap
print(textwrap.fill("the quick brown fox jumps over", 12))
==== pprint_use <
from pprint import pprint
pprint({"b": list(range(30)), "a": {"x": 1}})
==== string_template <
from string import Template
print(Template("$who owes $$5").substitute(who="Bo"))
==== hashlib_use <
import hashlib
print(hashlib.sha256(b"x").hexdigest()[:16], hashlib.md5(b"x").hexdigest()[:8])
==== struct_use <
import struct
print(struct.pack("<IH", 1, 2), struct.unpack(">H", b"\x01\x00"))
==== base64_use <
import base64
print(base64.b64encode(b"hello"), base64.b32decode("NBSWY3DP"))
==== bisect_heap < 5 3 8 1\n
import bisect, heapq
values = []
for n in map(int, input().split()):
    bisect.insort(values, n)
heap = values[::-1]
heapq.heapify(heap)
print(values, heapq.heappop(heap), heapq.nlargest(2, values))
==== itertools_use <
from itertools import accumulate, combinations, groupby, permutations, product
print(list(accumulate([1, 2, 3])), list(combinations("abc", 2)), [(k, len(list(g))) for k, g in groupby("aabbb")])
print(len(list(permutations(range(4)))), list(product([0, 1], repeat=2)))
==== functools_use <
from functools import lru_cache, reduce, partial, singledispatch
@lru_cache(None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
@singledispatch
def kind(x):
    return "other"
@kind.register
def _(x: int):
    return "int"
print(fib(50), fib.cache_info().hits, reduce(lambda a, b: a * b, range(1, 6)), partial(pow, 2)(5), kind(1), kind(""))
==== collections_use < the cat the dog the end\n
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple, ChainMap
words = input().split()
print(Counter(words).most_common(2))
groups = defaultdict(list)
for word in words:
    groups[len(word)].append(word)
print(dict(groups), deque(words, 2), ChainMap({"a": 1}, {"a": 2, "b": 3})["b"])
P = namedtuple("P", "x y")
print(P(1, 2), OrderedDict(a=1))
==== doctest_good <
def double(x):
    """
    >>> double(2)
    4
    """
    return 2 * x
import doctest
print(doctest.testmod())
==== doctest_bad <
def double(x):
    """
    >>> double(2)
    5
    """
    return 2 * x
import doctest
doctest.testmod()
==== unittest_good <
import unittest
class T(unittest.TestCase):
    def test_a(self):
        self.assertEqual(1 + 1, 2)
unittest.main(argv=["x"], exit=False, verbosity=0)
print("after")
==== typing_use <
from typing import NamedTuple, Optional, Protocol, TypedDict
class P(NamedTuple):
    x: int = 1
class T(TypedDict):
    a: int
def f(x: Optional[int] = None) -> "list[int]":
    return [x or 0]
print(P(), T(a=1), f.__annotations__)
==== match_use < move 3 4\n
match input().split():
    case ["move", x, y]:
        print("move to", int(x), int(y))
    case [word]:
        print("word", word)
    case _:
        print("?")
==== walrus < 5\n3\n0\n
total = 0
while (n := int(input())) != 0:
    total += n
print(total)
==== globals_change <
count = 0
def bump():
    global count
    count += 1
for _ in range(3):
    bump()
print(count, "count" in globals(), __builtins__.len([1]))
==== import_main <
import __main__, sys
x = 5
print(__main__.x, sys.modules["__main__"] is __main__)
==== sys_info <
import sys
print(sys.version_info >= (3, 11), sys.maxsize, sys.byteorder, sys.getrecursionlimit(), sys.platform)
==== environment <
import os
os.environ["KEY"] = "value"
print(os.environ["KEY"], os.getenv("NOT_THERE"), os.sep, os.linesep == "\n", os.name)
==== stdout_redirect <
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as caught:
    print("inside")
print("caught", repr(caught.getvalue()))
==== stdout_replaced <
import io, sys
sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\r\n")
print("line")
==== stdout_reconfigure <
import sys
sys.stdout.reconfigure(encoding="latin-1")
sys.stdin.reconfigure(encoding="latin-1")
print("e", sys.stdout.encoding)
==== stdout_closed <
import sys
sys.stdout.close()
==== stdin_replaced <
import io, sys
sys.stdin = io.StringIO("from text\n")
print(input())
==== print_to_open_one <
with open(1, "w", closefd=False) as out:
    out.write("through one\n")
print("done")
==== print_surrogate <
print("\ud800")
==== large_output <
for n in range(20000):
    print(n)
==== large_input < @numbers
import sys
numbers = list(map(int, sys.stdin.buffer.read().split()))
print(len(numbers), sum(numbers))
==== big_int <
print(2 ** 4000 % (10 ** 9 + 7), len(str(3 ** 2000)))
==== float_text <
print(0.1 + 0.2, 1e100, float("inf"), -0.0, f"{3.14159:.2f}", round(2.5), 7 // -2, -7 % 3, divmod(-7, 2))
==== matrix < 2 2\n1 2\n3 4\n
rows, columns = map(int, input().split())
grid = [list(map(int, input().split())) for _ in range(rows)]
print(*[" ".join(map(str, column)) for column in zip(*grid)], sep="\n")
==== bfs < 5 5\n1 2\n2 3\n3 4\n4 5\n1 5\n
from collections import deque
n, m = map(int, input().split())
graph = {v: [] for v in range(1, n + 1)}
for _ in range(m):
    a, b = map(int, input().split())
    graph[a].append(b)
    graph[b].append(a)
seen, todo = {1: 0}, deque([1])
while todo:
    v = todo.popleft()
    for w in graph[v]:
        if w not in seen:
            seen[w] = seen[v] + 1
            todo.append(w)
print(seen[4])
==== sieve < 50\n
n = int(input())
is_prime = [True] * (n + 1)
for p in range(2, int(n ** 0.5) + 1):
    if is_prime[p]:
        for q in range(p * p, n + 1, p):
            is_prime[q] = False
print([p for p in range(2, n + 1) if is_prime[p]])
==== knapsack < 3 5\n2 3\n3 4\n4 5\n
n, capacity = map(int, input().split())
best = [0] * (capacity + 1)
for _ in range(n):
    weight, value = map(int, input().split())
    for room in range(capacity, weight - 1, -1):
        best[room] = max(best[room], best[room - weight] + value)
print(best[capacity])
==== recursion_limit < 3000\n
import sys
sys.setrecursionlimit(10000)
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)
print(depth(int(input())))
==== threading_stack < 2000\n
import sys, threading
sys.setrecursionlimit(10**6)
threading.stack_size(2**26)
def main():
    def depth(n):
        return 0 if n == 0 else 1 + depth(n - 1)
    print(depth(int(input())))
thread = threading.Thread(target=main)
thread.start()
thread.join()
==== class_body <
class Stack:
    size = 0
    def __init__(self):
        self.items = []
    def push(self, x):
        self.items.append(x)
        Stack.size += 1
        return self
print(Stack().push(1).push(2).items, Stack.size)
==== properties <
class Celsius:
    def __init__(self, degrees):
        self._degrees = degrees
    @property
    def fahrenheit(self):
        return self._degrees * 9 / 5 + 32
print(Celsius(100).fahrenheit)
==== metaclass <
class Meta(type):
    def __new__(cls, name, bases, space):
        return super().__new__(cls, name, bases, {**space, "tag": name.lower()})
class Thing(metaclass=Meta):
    pass
print(Thing.tag)
==== context_manager <
from contextlib import contextmanager, ExitStack, suppress
@contextmanager
def tagged(name):
    print("<", name)
    yield name
    print(">", name)
with ExitStack() as stack:
    stack.enter_context(tagged("a"))
    stack.enter_context(tagged("b"))
with suppress(ZeroDivisionError):
    1 / 0
==== del_method <
class Noisy:
    def __del__(self):
        print("gone")
x = Noisy()
x = None
print("end")
==== del_at_exit <
class Noisy:
    def __init__(self, name):
        self.name = name
a = Noisy("a")
print("end", a.name)
==== weakref_use <
import weakref
class Thing:
    pass
thing = Thing()
ref = weakref.ref(thing)
print(ref() is thing)
del thing
print(ref())
==== gc_use <
import gc
print(gc.isenabled(), gc.collect() >= 0)
==== copy_use <
import copy
a = [[1], 2]
b, c = copy.copy(a), copy.deepcopy(a)
a[0].append(9)
print(b, c)
==== contextvars_use <
from contextvars import ContextVar, copy_context
var = ContextVar("var", default=1)
def f():
    var.set(5)
    return var.get()
print(copy_context().run(f), var.get())
==== uuid_fixed <
import uuid
print(uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"))
==== heap_of_tuples < 3\n5 a\n1 b\n3 c\n
import heapq
heap = []
for _ in range(int(input())):
    weight, name = input().split()
    heapq.heappush(heap, (int(weight), name))
while heap:
    print(*heapq.heappop(heap))
==== exec_eval <
space = {}
exec("def f(x): return x * 2", space)
print(space["f"](4), eval("1 + 2"), compile("3", "x", "eval").co_filename)
==== dynamic_import <
import importlib
math = importlib.import_module("math")
print(math.sqrt(16), __import__("json").dumps([1]))
==== import_missing <
import not_a_module
==== import_missing_caught <
try:
    import not_a_module
except ModuleNotFoundError as error:
    print(error, error.name)
==== relative_import <
from . import x
==== division_check < 1 0\n
a, b = map(int, input().split())
try:
    print(a / b)
except ZeroDivisionError as error:
    print("error:", error)
finally:
    print("finally")
==== nested_functions < 4\n
def outer(n):
    total = 0
    def add(x):
        nonlocal total
        total += x
        return total
    return [add(i) for i in range(n)]
print(outer(int(input())))
==== generators < 10\n
def evens():
    n = 0
    while True:
        yield n
        n += 2
from itertools import islice, takewhile
limit = int(input())
print(list(takewhile(lambda n: n < limit, evens())), sum(islice(evens(), 5)))
==== string_methods < Hello, World\n
s = input()
print(s.lower(), s.swapcase(), s[::-1], s.find("World"), s.replace("l", "L"), s.partition(", "), s.center(20, "*"))
==== formats <
print(f"{255:#x} {5:03d} {1234567:,} {0.5:%} {'a':>3}|{'b':<3}|{'c':^3}")
print("%5.1f %s %r" % (2.25, "s", "r"), "{0}-{1}".format(1, 2))
==== sort_keys < bb a ccc\n
words = input().split()
print(sorted(words, key=len), sorted(words, reverse=True), max(words, key=len))
==== bitwise < 12 10\n
a, b = map(int, input().split())
print(a & b, a | b, a ^ b, ~a, a << 2, b >> 1, bin(a), (a).bit_length())
==== sets < 1 2 3 2 1\n
values = set(input().split())
print(sorted(values), len(values), values >= {"1"}, sorted(values ^ {"9", "1"}))
==== comprehension_scope <
x = "outer"
print([x for x in range(3)], x, {k: v for k, v in zip("ab", [1, 2])})
==== star_unpack <
first, *middle, last = range(5)
print(first, middle, last, [*middle, *"xy"], {**{"a": 1}, "b": 2})
==== bytes_io <
import io
stream = io.BytesIO(b"abc\ndef")
print(stream.readline(), stream.read(), io.StringIO("x\ny").readlines())
==== locale_free <
import locale
print(locale.setlocale(locale.LC_ALL, "C"), locale.str(1.5))
==== zoneinfo_utc <
from datetime import datetime, timezone
print(datetime(2024, 1, 1, tzinfo=timezone.utc).isoformat())
==== subclass_int <
class Money(int):
    def __add__(self, other):
        return Money(int(self) + int(other))
    def __repr__(self):
        return f"${int(self)}"
print(Money(3) + 4, [Money(1)])
==== operator_use <
import operator
print(operator.itemgetter(1, 0)("ab"), operator.attrgetter("real")(5), operator.methodcaller("upper")("x"))
==== array_use <
from array import array
print(array("i", [1, 2, 3]).tobytes(), array("d", [1.5]))
==== memory_error <
try:
    x = [0] * (10 ** 12)
except MemoryError:
    print("too large")
==== interactive_loop < add 2\nadd 5\nshow\nquit\n
total = 0
while True:
    command, *rest = input().split()
    if command == "add":
        total += int(rest[0])
    elif command == "show":
        print(total)
    else:
        break
print("bye")
==== shlex_cmd < run "a b" c\n
import shlex
print(shlex.split(input()))
==== cmd_module < greet Bo\nquit\n
import cmd
class Shell(cmd.Cmd):
    prompt = "> "
    use_rawinput = False
    def do_greet(self, who):
        print("hello", who)
    def do_quit(self, _):
        return True
Shell().cmdloop()
==== getpass_like < secret\n
import sys
word = sys.stdin.readline().rstrip("\n")
print("*" * len(word))
==== ast_use <
import ast
print(ast.dump(ast.parse("x = 1").body[0]), ast.literal_eval("[1, (2,)]"))
==== dis_use <
import dis
print([i.opname for i in dis.get_instructions(compile("x", "", "eval"))][:2])
==== codecs_use <
import codecs
print(codecs.encode("hello", "rot13"), "é".encode("utf-16-le"), codecs.open("f", "w", "utf-8").write("é"))
==== difflib_use <
import difflib
print("\n".join(difflib.unified_diff("a b".split(), "a c".split(), lineterm="")))
==== html_xml <
import html, xml.etree.ElementTree as tree
print(html.escape("<a>"), tree.fromstring("<r><c k='v'/></r>")[0].attrib)
==== urllib_parse <
from urllib.parse import urlparse, quote
print(urlparse("http://h:8/p?q=1").port, quote("a b"))
==== numbers_abc <
import numbers
print(isinstance(3, numbers.Integral), isinstance(2.5, numbers.Integral))
==== graphlib_use < a b\nb c\n
import graphlib, sys
sorter = graphlib.TopologicalSorter()
for line in sys.stdin:
    sorter.add(*line.split())
print(list(sorter.static_order()))
==== ipaddress_use <
import ipaddress
print(ipaddress.ip_network("10.0.0.0/30").num_addresses)
==== secrets_length <
import secrets
print(len(secrets.token_hex(8)))
==== signal_free <
import time
print(time.strftime("%Y", time.gmtime(0)))
==== two_errors_deep <
def load(text):
    try:
        return int(text)
    except ValueError as error:
        raise LookupError(f"no number in {text!r}") from error
def main():
    load("q")
main()
==== multiline_call_error <
def f(a, b):
    return a + b
f(
    1,
    "x",
)
==== lambda_error <
print(list(map(lambda x: 10 // x, [5, 0])))
==== comprehension_error <
print([1 // x for x in (1, 0)])
==== class_body_error <
class A:
    x = 1
    y = x + missing
==== method_error <
class A:
    def f(self):
        return self.nothing
A().f()
==== property_error <
class A:
    @property
    def p(self):
        raise ValueError("p")
A().p
==== decorator_error <
def deco(f):
    return None
@deco
def g():
    pass
g()
==== unpack_error < 1 2 3\n
a, b = input().split()
==== unicode_error <
"é".encode("ascii")
==== overflow <
import math
math.exp(1000)
==== long_text_error <
raise ValueError("line one\nline two")
==== error_without_text <
raise ValueError
==== base_exception <
class Stop(BaseException):
    pass
raise Stop("now")
==== raise_type_error <
raise "text"
==== yield_from_error <
def a():
    yield 1
    raise KeyError("in a")
def b():
    yield from a()
print(list(b()))
'''
_NUMBERS = " ".join(map(str, range(30_000)))


def _read() -> list[Program]:
    found: list[Program] = []
    for part in _TEXT.split("\n==== ")[1:]:
        head, _, code = part.partition("\n")
        name, _, given = head.partition(" <")
        stdin, _, arguments = given.partition(" |")
        text = stdin.removeprefix(" ").replace("\\n", "\n").replace("\\r", "\r")
        if text == "@numbers":
            text = _NUMBERS
        found.append(Program(name, code + "\n", text, tuple(arguments.split())))
    return found


PROGRAMS = _read()
