"""Connects to an abstract UNIX socket."""
import socket


def attack(canary):
    socket.socket(socket.AF_UNIX).connect(canary["abstract"])
    return "escaped"
