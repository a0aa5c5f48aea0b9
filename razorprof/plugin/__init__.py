"""What a plugin implements and how plugins are found. Ours and third parties' go the same way."""
