"""The detector of characters: its training pages, its network, its export to ONNX."""
