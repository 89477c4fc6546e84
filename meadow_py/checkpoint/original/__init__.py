"""The files of the original model: their regions, and their bytes again."""
