"""Registers error handlers and codecs that trusted code may use to write text."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    import codecs
    for name in ("strict", "replace", "surrogatepass", "backslashreplace"):
        codecs.register_error(name, lambda error: ("forged", error.end))
    print("\udcff".encode("utf-8", "replace"))
