"""What the package does, written down so that a later commit can be compared with it."""
