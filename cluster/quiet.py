"""Keep the chatter of the libraries out of the terminal: our stages report their progress themselves.

Must be called before Ray is imported or started; processes of the cluster inherit it.

Run with it: every pipeline.
"""

import os

SETTINGS = {
    "RAY_SERVE_LOG_TO_STDERR": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_COLOR_PREFIX": "0",
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "PYTHONWARNINGS": "ignore::FutureWarning,ignore::DeprecationWarning",
}


def quiet() -> None:
    """Set what the user has not set otherwise."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
