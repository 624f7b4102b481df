"""Debugging data (PyX-R): bugs that run, their diagnosis from diverging traces, fixes that pass."""
