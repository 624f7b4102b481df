"""Opens a port."""
import socket


def attack(canary):
    server = socket.create_server(("127.0.0.1", 0))
    return "escaped"
