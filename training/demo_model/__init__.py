"""Trains the demo model: see README.md."""
