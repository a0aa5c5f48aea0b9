"""Built-in file formats of profiles. Reached through entry points only."""
