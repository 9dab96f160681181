"""The same network on compiled C++ kernels."""
