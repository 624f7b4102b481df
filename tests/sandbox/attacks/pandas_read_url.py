"""Fetches a page through pandas' reader."""
import pandas


def attack(canary):
    return "escaped " + str(pandas.read_csv("http://127.0.0.1:%d/" % canary["port"]))
