# f()
class Guard:
    def __init__(self, log, hides=False):
        self.log = log
        self.hides = hides
    def __enter__(self):
        self.log.append('in')
        return self
    def __exit__(self, kind, error, at):
        self.log.append('out' if kind is None else kind.__name__)
        return self.hides
def f():
    log = []
    with Guard(log) as a, Guard(log, hides=True) as b:
        log.append(a is b)
        raise KeyError('k')
    with Guard(log):
        return log
