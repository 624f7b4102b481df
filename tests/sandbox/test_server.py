import sys
import time

import pytest

from ray_app.sandbox import client, protocol
from ray_app.sandbox.api import Sandbox
from ray_app.sandbox.limits import Limits

SPIN = """
import time
def f():
    end = time.process_time() + 1.0
    while time.process_time() < end: pass
"""


@pytest.mark.parametrize("unread", [13, 14, 15])
def test_server_keeps_its_limits_while_nobody_reads_its_answers(unread):
    limits = Limits(cpu_s=0.1)
    server = client.Server("lean")
    try:
        for _ in range(unread):
            server.send(client.job((("def f(): return 'x' * 16_000", ("f()",)),), limits, tracing=0))
        server.send(client.job(((SPIN, ("f()",)),), limits, tracing=0))
        time.sleep(1.3)
        answers = [server.receive() for _ in range(unread + 1)]
    finally:
        server.close()
    assert [answer.reason for answer in answers] == [protocol.ENDED] * unread + [protocol.CPU_TIMEOUT]


def test_server_starts_through_a_wrapper_around_the_interpreter(monkeypatch, tmp_path):
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(wrapper))
    with Sandbox() as sandbox:
        assert sandbox.execute("def f(): return 2", ["f()"])[0].output == "2"


def test_records_that_are_no_text_are_tampered_and_those_behind_them_are_read():
    head, tail = protocol.pack_record(protocol.OK, 1, 0, ("1", None, "printed", ""))
    tail += bytes(-len(tail) % protocol.ALIGNMENT)
    broken = tail.replace(b"printed", b"print\xff\xfe")
    records = protocol.unpack_records(head + broken + head + tail)
    assert [record[0] for record in records] == [protocol.TAMPERED, protocol.OK]
    assert records[1][3:6] == ("1", None, "printed")
