# f(2)
def f(a):
    b = a
    return sorted(locals()), eval('a + b'), vars() == locals()
