"""The machine: what is learned, and how it is judged.

Holds: model families, processes (flow, ddpm, adversarial), recipes, metrics, checkpoints and
releases. Runs on a bare machine with torch and no Dagster; the graph reaches it by command
(``python -m training``), never by import.

Keeps out: Dagster (``assets``), Label Studio (``annotation``), what ink is (``pipelines``).
"""
