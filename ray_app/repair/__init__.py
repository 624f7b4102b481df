"""PyX-R: a program with a bug, the smallest test that shows it, a diagnosis checked claim by claim, and the fix."""
