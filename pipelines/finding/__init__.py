"""Evidence for characters: a learned eye, and the rhythm of ink across and down a page."""
