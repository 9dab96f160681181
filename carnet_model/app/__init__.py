"""A page in the browser, and the same as a JSON API: ``carnet app``."""
