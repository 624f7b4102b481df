# f()
def counter():
    n = 0
    def up(by=1):
        nonlocal n
        n += by
        return n
    return up
def f():
    up = counter()
    up()
    return up(5), up()
