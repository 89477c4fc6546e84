"""MEADOW (arXiv 2503.11663): what its paper leaves open, and the values that show its figures."""
