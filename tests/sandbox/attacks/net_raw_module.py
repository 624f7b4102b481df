"""Goes around the socket module."""
import socket


def attack(canary):
    import _socket
    _socket.socket(2, 1, 0)
    return "escaped"
