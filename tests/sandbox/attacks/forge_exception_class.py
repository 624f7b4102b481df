"""Raises an exception class that lies about its name, arguments and traceback."""
class Liar(Exception):
    __module__ = "builtins"

    def __getattribute__(self, name):
        return "forged"


Liar.__name__ = Liar.__qualname__ = "KeyboardInterrupt"


def attack(canary):
    raise Liar("honest")
