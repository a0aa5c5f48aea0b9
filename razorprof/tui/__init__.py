"""The Textual dashboard: screens and widgets over a View."""
