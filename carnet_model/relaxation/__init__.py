"""Structures brought to rest under any calculator of ASE, and written; nothing is imported here."""
