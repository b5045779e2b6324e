"""Other programs than torch that a network's passes can run in."""
