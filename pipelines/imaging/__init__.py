"""Pictures as arrays: from bytes to upright pixels to ink, boxes and drawings.

Holds: decoding and encoding (``codec``, over ``containers``, ``decoders`` and ``pixels``), the
normalization of ink (``ink``), drawing on pages for reports (``drawing``).
Functions go from array to array; arrays passed in are not modified. Add here what needs only
pixels.

Keeps out: records, ids and the store (``pipelines.scans``, ``pipelines.pages``), where characters
stand and how they follow each other (``pipelines.characters``, ``pipelines.columns``), and the
making of pages (``pipelines.synthesis``).
"""
