"""Connects through an event loop."""
import asyncio


def attack(canary):
    asyncio.run(asyncio.open_connection("127.0.0.1", canary["port"]))
    return "escaped"
