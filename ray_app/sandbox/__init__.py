"""Where generated code runs: isolated processes that return what happened and nothing else."""
