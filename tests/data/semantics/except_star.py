# f()
def f():
    seen = []
    try:
        raise ExceptionGroup('g', [ValueError('v'), TypeError('t')])
    except* ValueError as e:
        seen.append(len(e.exceptions))
    except* TypeError:
        seen.append('t')
    return seen
