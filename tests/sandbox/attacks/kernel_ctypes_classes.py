"""Finds ctypes among the subclasses of object."""
def attack(canary):
    stack, seen = [object], set()
    while stack:
        kind = stack.pop()
        for child in type.__subclasses__(kind):
            if child not in seen:
                seen.add(child)
                stack.append(child)
                if child.__module__ in ("_ctypes", "ctypes") or "CFuncPtr" in child.__name__:
                    return "escaped " + repr(child)
    return None
