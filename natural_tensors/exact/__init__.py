"""Exact numbers: integers, fractions, sums of square roots; one door to float64."""
