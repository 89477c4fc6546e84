"""Plots of a simulation: where time and energy go, and what would change them."""
