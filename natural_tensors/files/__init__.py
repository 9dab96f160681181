"""Tensors and their parts in files: what they hold, how it is recognized, read and written."""
