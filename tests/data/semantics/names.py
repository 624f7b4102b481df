# f(1, 2)
def f(len, max):
    sum = len + max
    Ünit = sum * 2
    return Ünit if sum else not sum
