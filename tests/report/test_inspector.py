"""The inspector over real HTTP on loopback, and once in a real browser where one is installed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest

from ray_app.errors import InputError, StoreError
from ray_app.records import Claim, Repair
from ray_app.report.inspector import Inspector
from ray_app.report.pages import Pages
from tests.report.run import HOSTILE, programs, write, write_run
from tests.report.test_page import Page

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with Inspector(str(write_run(tmp_path_factory.mktemp("run"))), search_s=60.0) as inspector:
        thread = threading.Thread(target=inspector.serve_forever)
        thread.start()
        yield inspector.url
        inspector.stop()
        thread.join()


def get(url: str, **headers: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def links(text: str, start: str) -> list[str]:
    return re.findall(rf'href="({re.escape(start)}[^"]*)"', text)


def test_inspector_front_page_lists_the_monologues(url):
    status, text = get(url)
    assert status == 200
    assert len(links(text, "/monologues/")) == 30
    assert Page(text).misnested == []


def test_inspector_filters_and_search_narrow_the_list(url):
    everything = links(get(f"{url}executions")[1], "/executions/")
    grown = links(get(f"{url}executions?source=grow")[1], "/executions/")
    one = links(get(f"{url}executions?source=grow&q=add+4%3A")[1], "/executions/")
    assert (len(everything), len(grown), len(one)) == (33, 11, 1)
    nothing = get(f"{url}executions?status=timeout-cpu")[1]
    assert "No row matches" in nothing
    assert '<option selected value="timeout-cpu">' in nothing


def test_inspector_next_link_goes_on_where_the_page_ended(url):
    first = get(f"{url}scores-base")[1]
    (following,) = re.findall(r'rel="next" href="/([^"]+)"', first)
    second = get(url + following.replace("&amp;", "&"))[1]
    seen = links(first, "/scores-base/") + links(second, "/scores-base/")
    assert len(seen) == len(set(seen)) == 61


def test_inspector_refused_rows_by_reason(url):
    text = get(f"{url}monologues.rejects?reason={quote('false claim')}")[1]
    assert len(links(text, "/monologues.rejects/")) == 6
    assert "because" in get(url + links(text, "/monologues.rejects/")[0][1:])[1]


def test_inspector_monologue_shows_claims_lineage_and_trace(url):
    status, text = get(f"{url}monologues/0:0")
    page = Page(text)
    assert status == 200
    assert (text.count("claim ok"), text.count("claim bad")) == (2, 1)
    assert "2 of 3 hold" in page.text
    assert "MIT" in page.text
    assert text.count("data-line=") == 10
    assert f"/program/{programs(1)[0].id}" in text


def test_inspector_traced_program_switches_calls(url):
    first, second = get(f"{url}executions/0:0")[1], get(f"{url}executions/0:0?call=1")[1]
    assert "data-line=" in first
    assert "No trace is stored for this call" in second
    assert get(f"{url}executions/0:0?call=77")[0] == 200


def test_inspector_program_page_gathers_every_stage(url):
    text = get(f"{url}program/{programs(1)[0].id}")[1]
    lists = {link.split("/")[1] for link in links(text, "/") if ":" in link}
    assert lists == {"monologues", "executions", "programs", "mined", "samples", "claims-base", "claims-tuned"}


@pytest.mark.parametrize(
    "path", ["nope", "monologues/9:9", "monologues/x", "program/none", "monologues?from=x", "..%2Fx"]
)
def test_inspector_unknown_page_is_404_with_a_reason(url, path):
    status, text = get(url + path)
    assert status == 404
    assert 0 < len(text) < 200


def test_inspector_hostile_rows_stay_text_under_a_strict_policy(url):
    with urllib.request.urlopen(f"{url}monologues/0:0") as reply:
        policy, text = reply.headers["Content-Security-Policy"], reply.read().decode()
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    page = Page(text)
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert HOSTILE in "".join(page.texts)
    assert Page(get(f"{url}executions?q={quote(HOSTILE)}")[1]).tags.count("script") == 1


def test_inspector_foreign_host_is_refused(url):
    assert get(url, Host="evil.example:80")[0] == 403


def test_inspector_empty_root_names_it(tmp_path):
    with pytest.raises(StoreError, match="holds no rows"):
        Inspector(str(tmp_path))


def test_inspector_taken_port_names_it(tmp_path):
    write_run(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match=r"port \d+ cannot be opened"):
            Inspector(str(tmp_path), taken.getsockname()[1])


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
def test_inspector_steps_through_a_trace_in_a_browser(url, tmp_path):
    quiet = ("--disable-background-networking", "--no-first-run", "--disable-component-update", "--disable-sync")
    browser = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", *quiet, f"--user-data-dir={tmp_path}"]
    command = [*browser, "--dump-dom", f"{url}monologues/0:0#step=6"]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "step 6 of 10, line 5" in dom
    variables = dict(re.findall(r"<th>(\w+)</th><td>([^<]*)</td>", dom))
    assert variables == {"xs": "[2, 5]", "start": "0", "out": "7", "x": "5"}
    assert re.search(r'id="r1-5"[^>]*class="[^"]*now', dom)


def test_inspect_command_serves_until_interrupted(tmp_path):
    write_run(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", "from ray_app.cli import app; app()", "inspect", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[0]
            assert get(url)[0] == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()


def test_inspect_command_empty_root_is_one_line(tmp_path):
    command = [sys.executable, "-c", "from ray_app.cli import app; app()", "inspect", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert re.fullmatch(r"semray inspect: .* holds no rows .*\n", done.stderr)


def test_inspector_repair_shows_the_buggy_code_and_the_claims_of_its_diagnosis(tmp_path):
    claims = (
        Claim("`t` is 3", "value", "true", "after L2 t = 3"),
        Claim("it returns 4", "return", "false", "f returns 3"),
    )
    told = f"`t` is 3, it returns 4. {HOSTILE}"
    code = "def f(t):\n    return t - 1\n"
    row = Repair("r", "p", "Add.", code, "fixed", "assert f(3) == 4", told, "operator", claims)
    write(tmp_path, Repair, "repairs", [row])
    text = Pages(str(tmp_path), 2.0).page("/repairs/0:0", {})
    page = Page(text)
    assert (text.count("claim ok"), text.count("claim bad")) == (1, 1)
    assert "1 of 2 hold" in page.text
    assert "assert f(3) == 4" in page.text
    assert "return t - 1" in page.text
    assert "img" not in page.tags
