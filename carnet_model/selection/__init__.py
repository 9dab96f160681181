"""What to compute next: structures of a pool that teach a network most."""
