"""Polynomial invariants of tensors: how many, which, and two tensors compared up to a rotation."""
