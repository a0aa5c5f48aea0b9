"""Series in memory: bounded, one writer, readers that never block it."""
