"""Whole synthetic pages: text set by a brush hand, put on a surface, aged, and scanned.

Holds: hands (``hands``), how they fill a leaf (``setting``, ``layouts``, ``furniture``), seals
(``seals``), the two kinds of surface (``stone`` for rubbings, ``sheet`` for paper and silk), the
scanner (``scanning``), and the front door ``pages.synthetic_page`` and ``pages.sample_pages``.

Keeps out: files and manifests (``pipelines.corpora``).
"""
