"""The files of the original model: finds their regions and rebuilds their bytes."""
