"""Streams of text: nothing lost, nothing early, nothing of a stop string."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ray_app.serving.text import TextStream


def decode(ids: Sequence[int]) -> str:
    """One token per byte, as a byte-level tokenizer decodes."""
    return bytes(ids).decode("utf-8", "replace")


def stream(text: str, stop: Sequence[str]) -> tuple[list[str], bool]:
    """The pieces handed out for the bytes of `text`, and whether a stop string ended them."""
    out = TextStream(decode, stop)
    pieces: list[str] = []
    for token in text.encode():
        pieces.append(out.push(token))
        if out.stopped:
            return pieces, True
    return [*pieces, out.finish()], out.stopped


@given(
    st.text(alphabet="abé世🙂\n", max_size=40), st.lists(st.text(alphabet="abé\n", min_size=1, max_size=4), max_size=3)
)
def test_stream_gives_the_text_up_to_the_first_stop_string(text: str, stop: list[str]) -> None:
    pieces, stopped = stream(text, stop)
    ends = {text.find(s) + len(s): text.find(s) for s in stop if s in text}
    assert stopped == bool(ends)
    if not ends:
        assert "".join(pieces) == text
    else:  # the stop string that is complete first ends the text; several complete at once: the longest
        first = min(ends)
        begins = min(text.find(s) for s in stop if s in text and text.find(s) + len(s) == first)
        assert "".join(pieces) == text[:begins]


def test_stream_hands_out_characters_as_soon_as_they_are_complete() -> None:
    pieces, _ = stream("aé", ["zz"])
    assert pieces == ["a", "", "é", ""]


def test_stream_holds_back_what_may_become_a_stop_string() -> None:
    pieces, _ = stream("ab\n#", ["\n\n"])
    assert pieces == ["a", "b", "", "\n#", ""]


def test_stream_keeps_an_incomplete_character_at_the_end_visible() -> None:
    out = TextStream(decode, ())
    assert [out.push(token) for token in "é".encode()[:1]] == [""]
    assert out.finish() == "\ufffd"
