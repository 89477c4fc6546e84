"""Results as people see them. Views compute nothing."""
