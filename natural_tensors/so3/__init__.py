"""The rotation group, one weight at a time: bases, harmonics, couplings, rotations."""
