"""Files that keep what was seen: bundles of one moment."""
