"""Exact building blocks of the recipes, as matrices of roots or values of a program."""
