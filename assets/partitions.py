"""How the graph is cut: by batch, tens to hundreds of works that travel together.

Batches are dynamic: the inbox makes them. Pages and characters are rows, never partitions;
Dagster keeps thousands of partitions well and millions not at all.
"""

import dagster as dg

BATCHES = "batches"

batches = dg.DynamicPartitionsDefinition(name=BATCHES)

APPROVED = "approved"
"""The one partition of ``samples`` that holds what people approved, over all batches."""
