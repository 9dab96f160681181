"""The version of the distribution, apart from the code so that a build need not import it."""

__version__ = "0.1.0"
