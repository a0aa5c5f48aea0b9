"""Safe drivers of profilers: one capture or feed each, bounded, reversible, and never left behind."""
