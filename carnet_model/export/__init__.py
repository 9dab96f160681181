"""A network as one file that runs without this package."""
