"""Catches every exception and goes on."""
def attack(canary):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
    return "escaped"
