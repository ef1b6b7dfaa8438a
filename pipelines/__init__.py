"""The material: what happens to ink on paper.

Holds: records and their tables, geometry, the content-addressed store, imaging, glyphs,
columns and reading order, windows, prompts, synthetic corpora, samples, and the checks over
all of them. Everything is a pure function on arrays and records; import the concrete module.

Keeps out: Dagster (``assets``), torch (``training``), Label Studio (``annotation``).
"""
