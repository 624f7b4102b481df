"""A finalizer that never ends, on everything that the program leaves behind."""
class Bomb:
    def __del__(self):
        while True:
            pass


def attack(canary):
    global kept
    kept = [Bomb() for _ in range(10)]
    return "honest"
