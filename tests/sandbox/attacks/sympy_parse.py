"""Has sympy evaluate a text that reads the canary."""
import sympy


def attack(canary):
    return "escaped " + str(sympy.sympify("open(%r).read()" % canary["file"]))
