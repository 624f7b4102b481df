"""Looks for trusted code in __main__ and in every loaded module."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    for name, module in list(sys.modules.items()):
        if name == "__main__" or "ray_app" in name or "sandbox" in name or "tracer" in name:
            for key in list(vars(module)):
                setattr(module, key, lambda *arguments: "forged")
