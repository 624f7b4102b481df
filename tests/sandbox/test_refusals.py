import pytest

from ray_app.sandbox.refusals import explain


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ((), ""),
        (("nondeterministic",), ""),
        (("denied:socket.__new__", "denied:socket"), "the sandbox refuses sockets"),
        (("denied:open", "denied:openat"), "the sandbox refuses files"),
        (("denied:os.system", "denied:rt_sigaction"), "the sandbox refuses processes"),
        (("denied:clone3",), "the sandbox refuses threads and processes"),
        (("denied:io_uring_setup",), "the sandbox refuses io_uring_setup"),
        (("denied:import turtle",), "the sandbox has no module turtle"),
        (("denied:import torch.nn",), "the sandbox has no package torch: name it in SEMRAY_PACKAGES"),
    ],
)
def test_refusals_are_said_in_words(flags, words):
    assert explain(flags).startswith(words)
    assert bool(explain(flags)) == bool(words)
