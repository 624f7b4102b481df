"""Why a run is not told."""


class RefusalError(Exception):
    """A run that cannot be told in full; the message is a short fixed reason, which is counted."""
