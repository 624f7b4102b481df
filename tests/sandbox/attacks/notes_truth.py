"""Is asked for its truth in the middle of a note, looks for the recorder's frame, and changes what it finds."""
import sys


class Doubtful:
    def __bool__(self):
        frame = sys._getframe()
        while frame is not None:
            if frame.f_code.co_filename not in (attack.__code__.co_filename, "<call>"):
                frame.f_globals["forged"] = frame.f_builtins["repr"] = lambda value: "forged"
                FOUND.append(frame)
            frame = frame.f_back
        attack_again()
        return True

    def __len__(self):
        return 0


FOUND = []


def attack_again():
    for _ in range(3):
        if not [1]:
            pass


def attack(canary):
    if Doubtful() and not Doubtful():
        return "forged"
    while Doubtful():
        break
    assert Doubtful()
    return "escaped" if FOUND else "honest"
