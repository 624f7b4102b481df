"""What people see of a run: one self-contained page and the same figures as JSON."""
