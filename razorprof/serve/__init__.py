"""The HTTP side: /metrics, health and profiles of the targets of a session."""
