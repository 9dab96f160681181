"""Exact numbers: integers, fractions, sums of square roots; `floats` alone turns them to float64."""
