"""The languages that code is generated in: a file each, all of them listed in ``registry.py``."""
