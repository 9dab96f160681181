"""Structures: atoms, cell and frame, from objects and files; their symmetry."""
