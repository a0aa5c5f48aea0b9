"""Pure functions over the model: windows of stacks, what limits a process, deviation among siblings."""
