"""Languages that programs are printed in."""
