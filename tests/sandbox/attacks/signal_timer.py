"""Gets a frame of trusted code from a timer's handler."""
import signal


def attack(canary):
    signal.signal(signal.SIGPROF, lambda number, frame: frame.f_back)
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    return "escaped"
