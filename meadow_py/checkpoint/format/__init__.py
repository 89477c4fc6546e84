"""The packed file and folder on the disk: headers, manifest, table of regions, reader, writer."""
