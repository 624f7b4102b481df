# f()
class Base:
    made = 0
    def __init__(self, v):
        Base.made += 1
        self.v = v
    @property
    def double(self):
        return self.v * 2
    @classmethod
    def of(cls, v):
        return cls(v)
    def __eq__(self, other):
        return self.v == other.v
    def __bool__(self):
        return self.v > 1
class Child(Base):
    def __init__(self, v):
        super().__init__(v + 1)
        self.__own = [v]
    def own(self):
        self.__own[0] += 1
        return self.__own
def f():
    a, b = Base(1), Child.of(1)
    if a or b:
        b.v += 1
    return a == b, b.double, b.own(), not a, Base.made, a and b
