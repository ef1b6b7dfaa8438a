"""The standard glyph: fonts, what they really cover, and how they are drawn.

Holds: the list of fonts (``fonts.toml``, to which users add their own), where they come from
(``fetch``), what is known of each (``registry``), their outlines (``fonts``), and the one
renderer of standard-font pictures (``content``), which training, reading and the labelling
interface share.

Keeps out: whole synthetic pages and their damage (``pipelines.synthesis``).
"""
