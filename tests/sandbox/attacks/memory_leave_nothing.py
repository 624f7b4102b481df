"""Leaves no memory to the code that writes its record."""
def attack(canary):
    items = []
    for size in (1 << 20, 1 << 12, 1 << 6):
        try:
            while True:
                items.append(bytearray(size))
        except MemoryError:
            pass
    globals()["kept"] = items
    return "honest"
    return "escaped"
