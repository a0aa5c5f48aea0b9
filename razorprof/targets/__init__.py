"""The TARGET grammar, discovery of processes, identity, and whether they can be looked into."""
