"""Makes the import system read the canary's folder."""
import sys


def attack(canary):
    sys.path.insert(0, canary["folder"])
    sys.path_hooks[:] = [__import__("importlib.machinery").machinery.FileFinder.path_hook()]
    sys.meta_path[:] = [__import__("importlib.machinery").machinery.PathFinder]
    import planted
    return "escaped"
