"""Sends a datagram."""
import socket


def attack(canary):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"owned", ("127.0.0.1", canary["port"]))
    return "escaped"
