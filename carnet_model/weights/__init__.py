"""Trained weights that come with the package, a folder for each name."""
