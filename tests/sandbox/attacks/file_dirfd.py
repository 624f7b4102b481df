"""Opens the root directory and walks from its descriptor."""
import os


def attack(canary):
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    return "escaped " + str(os.listdir(root))
    return "escaped"
