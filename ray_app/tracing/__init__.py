"""What a program did, step by step: the trace model, the tracers that record it, and its renderings as text."""
