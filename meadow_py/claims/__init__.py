"""Published claims, computed again."""
