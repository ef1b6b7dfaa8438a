"""The detector of characters: its training pages, its network, its files."""
