"""Exact numbers: integers, fractions, sums of square roots; `floats` alone makes them float64."""
