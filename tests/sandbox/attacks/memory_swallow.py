"""Runs out of memory again and again, and catches it."""
def attack(canary):
    while True:
        try:
            items = [bytearray(1 << 20) for _ in iter(int, 1)]
        except MemoryError:
            items = None
    return "escaped"
