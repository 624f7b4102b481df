"""Interrupts trusted code after the call."""
import _thread


def attack(canary):
    _thread.interrupt_main()
    return "honest"
    return "escaped"
