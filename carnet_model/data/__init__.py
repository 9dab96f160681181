"""Structures with labels: read, checked, split."""
