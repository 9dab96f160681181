"""Networks as C++ programs: written, built and called without PyTorch."""
