"""What is generated, before any language: straight-line programs, and the loops around them."""
