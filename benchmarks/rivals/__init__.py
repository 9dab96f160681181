"""Rival packages timed in environments of their own: a worker there, a client here."""
