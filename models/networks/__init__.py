"""The networks: one file each, plain numbers in, plain tensors out."""
