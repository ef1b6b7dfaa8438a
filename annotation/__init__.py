"""The people: where someone decides what is written.

Holds: the labelling interface, tasks, reviews, the approval gate and its journal, agreement,
the simulated annotator of the demonstration, and the archivist's desk (``desk/``). Only
``annotation.client`` speaks to Label Studio; only ``annotation.server`` starts one.

Keeps out: Dagster (``assets``), torch (``training``), ink (``pipelines``).
"""
