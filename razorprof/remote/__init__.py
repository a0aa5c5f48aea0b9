"""Another process, read-only: its /proc entries, memory and ELF files. What it says is untrusted text."""
