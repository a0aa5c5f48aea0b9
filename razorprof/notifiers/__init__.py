"""Built-in notifiers: who is told of alerts. Reached through entry points only."""
