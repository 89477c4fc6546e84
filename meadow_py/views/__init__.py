"""How results look. Views compute nothing."""
