"""Index expressions: sums of products of tensors, their symmetry, derivatives and averages."""
