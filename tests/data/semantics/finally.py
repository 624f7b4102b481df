# f()
def g(x):
    log = []
    try:
        try:
            log.append(10 // x)
        except ZeroDivisionError as e:
            log.append(str(e))
            raise ValueError('bad') from e
        else:
            log.append('else')
        finally:
            log.append('finally')
    except ValueError as e:
        log.append(e.args)
    return log
def h():
    for i in range(3):
        try:
            continue
        finally:
            if i == 1:
                return i
def f():
    return g(0), g(5), h()
