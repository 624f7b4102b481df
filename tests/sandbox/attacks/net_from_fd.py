"""Makes a socket object of inherited descriptors and sends."""
import socket


def attack(canary):
    sent = 0
    for descriptor in range(64):
        try:
            sent += socket.socket(fileno=descriptor).send(b"owned")
        except OSError:
            pass
    assert sent
    return "escaped"
