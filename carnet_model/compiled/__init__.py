"""The hot path of a network in C++, built by the machine's compiler and called by name."""
