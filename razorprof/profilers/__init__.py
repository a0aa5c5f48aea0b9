"""Safe drivers of outside profilers: bounded, reversible, never on the wrong process."""
