"""Multiplies matrices of its own: what stands left of an `@` of the program is not the recorder's."""


class Matrix:
    def __init__(self, rows):
        self.rows = rows

    def __matmul__(self, other):
        return Matrix([[sum(a * b for a, b in zip(row, column)) for column in zip(*other.rows)] for row in self.rows])


def attack(canary):
    one = Matrix([[1, 1], [0, 1]])
    power = one
    for _ in range(4):
        power = power @ one
        power @= one
    return "honest" if power.rows == [[1, 9], [0, 1]] else "forged"
