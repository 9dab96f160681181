"""A whole network in C++: its kernels, the layers around them, and an interface in C."""
