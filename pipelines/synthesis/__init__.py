"""Whole synthetic pages: text set by a brush hand, put on a surface, aged, and scanned.

Holds: hands (``hands``), how they fill a leaf (``layouts``, ``arrangement``, ``setting``), seals
(``seals``), the two kinds of surface (``stone`` for rubbings, ``sheet`` for paper and silk) over
random fields (``fields``), the scanner (``scanning``); what is decided about a page
(``appearance``) and the front door (``pages``: ``synthetic_page``, ``sample_pages``); and pages as
versioned tables (``corpora``) and as files that anybody might bring (``works``).

Keeps out: truth as records (``pipelines.truth``), fonts (``pipelines.glyphs``).
"""
