"""A metaclass that runs code for every question about its class."""
class Meta(type):
    def __instancecheck__(cls, other):
        while True:
            pass

    def __getattribute__(cls, name):
        if Meta.armed:
            while True:
                pass
        return type.__getattribute__(cls, name)

    armed = False


class Bomb(metaclass=Meta):
    pass


def attack(canary):
    value = Bomb()
    Meta.armed = True
    return value
