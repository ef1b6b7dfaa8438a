"""ScriptViT: the hand itself as a vector, and writing in the hand of reference pictures."""
