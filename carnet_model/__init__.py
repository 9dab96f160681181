"""Equivariant networks that predict tensors; comes after code generation."""
