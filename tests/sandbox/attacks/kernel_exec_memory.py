"""Maps memory that is writable and executable."""
import mmap


def attack(canary):
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    return "escaped"
