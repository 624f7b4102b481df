"""Programs in the encodings that Python reads: marks, declarations, line ends."""

import pytest

from ray_app.errors import InputError
from ray_app.parsing import plain_source, read_source
from ray_app.sandbox.api import execute
from ray_app.semantics.api import record


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"x = 1\n", "x = 1\n"),
        ("\ufeffx = 'é'\n".encode(), "x = 'é'\n"),
        ("# coding: latin-1\nx = 'é'\n".encode("latin-1"), "# coding: latin-1\nx = 'é'\n"),
        (b"x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n"),
    ],
)
def test_a_file_is_read_as_the_interpreter_reads_it(tmp_path, data, text):
    (tmp_path / "p.py").write_bytes(data)
    assert read_source(tmp_path / "p.py") == text


@pytest.mark.parametrize("data", [b"x = '\xff'\n", b"# coding: nothing\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, data):
    (tmp_path / "p.py").write_bytes(data)
    with pytest.raises(InputError, match=r"p\.py"):
        read_source(tmp_path / "p.py")


@pytest.mark.parametrize(
    "code", ["\ufeffdef f(x):\n    return x + 1\n", "def f(x):\r\n    y = x\r\n    return y + 1\r\n"]
)
def test_marks_and_line_ends_are_no_matter_to_a_run_and_its_record(code):
    assert execute(code, ["f(1)"])[0].output == "2"
    recording = record(code, "f(1)")
    assert recording.run is not None, recording.reason
    assert recording.run.source.code == plain_source(code)
