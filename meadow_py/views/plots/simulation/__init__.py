"""Plots of a simulation: where time and energy go, and which changes would affect them."""
