"""Lets the tokenizer open the canary."""
import tokenize


def attack(canary):
    return "escaped " + tokenize.open(canary["file"]).read()
    return "escaped"
