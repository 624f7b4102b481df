# f()
import functools
def twice(g):
    @functools.wraps(g)
    def run(*args, **kw):
        return g(g(*args, **kw), **kw)
    return run
@twice
def grow(x, *, by=2):
    '''Grows.'''
    return x * by
def f():
    return grow(3), grow(1, by=3), grow.__doc__, grow.__name__
