"""Connects to a port on this machine."""
import socket


def attack(canary):
    socket.create_connection(("127.0.0.1", canary["port"]), 1)
    return "escaped"
