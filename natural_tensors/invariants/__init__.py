"""Polynomial invariants of tensors: how many, which, and what they say of two tensors."""
