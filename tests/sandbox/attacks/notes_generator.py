"""Leaves frames in the middle of notes: suspended, closed, thrown into, and finished by the collector."""


def numbers():
    try:
        while True:
            got = [(yield 1) + 1, (yield 2)]
            if got == "forged":
                return
    finally:
        LOG.append([n for n in (1, 2) if n])


LOG = []


def attack(canary):
    kept = [numbers() for _ in range(5)]
    for number, generator in enumerate(kept):
        next(generator)
        if number == 1:
            generator.close()
        elif number == 2:
            try:
                generator.throw(ValueError("x"))
            except ValueError:
                pass
        elif number == 3:
            generator.send(4)
    del generator
    kept.clear()
    return "honest" if len(LOG) == 5 else "forged"
