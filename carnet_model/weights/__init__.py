"""Trained weights: how they are stored, and those that come with the package, a folder each."""
