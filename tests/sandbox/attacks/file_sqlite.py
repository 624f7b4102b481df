"""Lets SQLite, which is C, create a database."""
import sqlite3


def attack(canary):
    connection = sqlite3.connect(canary["folder"] + "/base")
    connection.execute("create table t (x)")
    connection.commit()
    return "escaped"
