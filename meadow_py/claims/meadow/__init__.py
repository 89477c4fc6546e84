"""MEADOW (arXiv 2503.11663): what its paper leaves open, and which values show its figures."""
