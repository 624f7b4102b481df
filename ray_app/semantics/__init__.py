"""What CPython did when it ran a call: recorded by CPython, statement by statement and expression by expression."""
