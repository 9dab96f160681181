"""Derivatives of an energy: forces, stress, and second derivatives."""
