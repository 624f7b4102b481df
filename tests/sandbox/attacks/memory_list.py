"""Fills a list."""
def attack(canary):
    items = []
    while True:
        items.append(bytearray(1 << 20))
    return "escaped"
