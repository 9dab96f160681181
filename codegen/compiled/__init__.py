"""Generated C++ built by the machine's compiler, kept, and called from Python."""
