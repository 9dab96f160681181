"""PyTorch and NumPy source text from the exact operators of natural_tensors."""
