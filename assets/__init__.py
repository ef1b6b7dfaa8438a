"""The graph: thin Dagster assets, checks, sensors, resources, and the front door ``beitie``.

An asset reads a table, calls one function or command, writes a table, and reports counts and
a picture. If it needs an ``if`` about ink, the ``if`` belongs in ``pipelines``.

Keeps out: torch (reached by command), ink, and what people decided.
"""
