"""The user's settings: TOML to validated values, from trusted folders only."""
