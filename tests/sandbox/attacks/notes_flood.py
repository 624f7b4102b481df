"""Fills the record until its buffer is full, and goes on."""


def attack(canary):
    text = "x" * 400
    kept = []
    for n in range(60_000):
        kept = [text, n, text]
    return "honest" if kept[1] == 59_999 else "forged"
