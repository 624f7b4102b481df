# f(7)
def f(n):
    steps = 0
    while True:
        if n == 1 or (steps > 20 and not n % 2):
            break
        n = n // 2 if not n % 2 else 3 * n + 1
        steps += 1
    else:
        steps = -1
    while (left := steps - n) > 5 and left % 2 == 0:
        n += 4
    return steps, n, left
