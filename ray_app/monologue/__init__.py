"""Monologues: traces told in words, and the check that every claim in them is true."""
