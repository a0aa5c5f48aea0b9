"""Rules and alerts: files, templates, evaluation, what is captured and told when. Knows no target."""
