"""One symmetry class of tensors: its components, weights and operators."""
