"""The public kit for tests of razorprof and of plugins."""
