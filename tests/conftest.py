"""What every test may rely on."""

import signal

# A shell starts background jobs with SIGINT ignored, and every child inherits that: tests that interrupt what they
# start would wait for ever.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
