"""CreativeSynth: clean text set into the look of a real artwork (arXiv 2401.14066)."""
