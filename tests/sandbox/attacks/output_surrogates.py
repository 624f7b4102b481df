"""Returns and prints text that no encoding has."""
def attack(canary):
    print("\udcff")
    return "\udcff"
    return "escaped"
