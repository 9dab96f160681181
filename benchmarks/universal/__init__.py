"""What a general potential is judged by, one row of figures a file; ``__main__`` is the command."""
