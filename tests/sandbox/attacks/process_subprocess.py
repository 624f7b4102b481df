"""Starts a subprocess."""
import subprocess


def attack(canary):
    subprocess.run(["/bin/sh", "-c", "echo owned > " + canary["file"]], check=True)
    return "escaped"
