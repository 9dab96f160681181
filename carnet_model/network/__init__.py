"""The network: irreps, targets, graph, layers; it alone runs on generated code."""
