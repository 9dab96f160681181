"""Trained networks at work: run by PyTorch or as a C++ program, behind one interface."""
