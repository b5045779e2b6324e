"""Floor 1: the nouns, and everything that is read from or written to disk."""
