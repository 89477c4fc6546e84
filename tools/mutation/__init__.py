"""Documents that loaders read, damaged in one place each."""
