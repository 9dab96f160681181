"""Straight-line programs over exact coefficients, and the loops around them."""
