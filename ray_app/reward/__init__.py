"""The verifier as a reward: the answer, and how much of what is said on the way to it is true."""
