# f()
class Wait:
    def __await__(self):
        yield 'wait'
        return 7
async def numbers():
    for i in range(2):
        yield i
async def work():
    found = [i async for i in numbers()]
    async for i in numbers():
        found.append(i)
    return found, await Wait()
def f():
    w = work()
    seen = [w.send(None)]
    try:
        w.send(None)
    except StopIteration as e:
        seen.append(e.value)
    return seen
