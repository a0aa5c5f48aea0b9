"""Built-in sources that belong to no runtime. Reached through entry points only."""
