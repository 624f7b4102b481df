"""Opens the root directory and walks from its descriptor, past what lies there in memory."""
import os


def attack(canary):
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    found = set(os.listdir(root)) - {"tmp", "home"}
    assert found
    return "escaped " + str(found)
