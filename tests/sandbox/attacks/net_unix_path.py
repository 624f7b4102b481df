"""Connects to a UNIX socket in the file system."""
import socket


def attack(canary):
    socket.socket(socket.AF_UNIX).connect(canary["unix"])
    return "escaped"
