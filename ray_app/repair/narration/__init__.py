"""A diagnosis in words: what is wrong in the code, what the runs do at the wrong step, and what to change."""
