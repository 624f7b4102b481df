"""What a text says: sentences, their mode, and the checkable claims in them, typed."""
