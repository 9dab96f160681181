"""Measurements of speed and memory, side by side with rivals: ``python -m benchmarks``."""
