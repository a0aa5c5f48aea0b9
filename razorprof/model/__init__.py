"""Immutable values that flow through razorprof. Nothing here does I/O or knows a clock."""
