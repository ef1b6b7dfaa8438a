"""UniCalli: one diffusion transformer that reads and writes columns (arXiv 2510.13745)."""
