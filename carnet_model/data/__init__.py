"""Structures with labels: read from files, checked against symmetry, split for training."""
