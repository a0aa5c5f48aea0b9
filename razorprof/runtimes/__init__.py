"""Built-in runtimes. Reached through entry points only."""
