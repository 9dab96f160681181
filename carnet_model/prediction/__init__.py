"""From structures to tensors."""
