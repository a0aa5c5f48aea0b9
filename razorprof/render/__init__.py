"""Model values to Rich text, plots and tables. Knows nothing of sessions, targets' files or Textual."""
