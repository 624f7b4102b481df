"""Where the system runs: this laptop, one GPU, one server, or a cluster that scales itself."""
