"""Which process: the TARGET grammar, discovery, identity, and whether the kernel lets us look into it."""
