"""Panels that come with razorprof. Reached through entry points only."""
