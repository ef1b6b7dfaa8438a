"""The asset ``review_decisions``: what people decide. No code makes it; a sensor reports it."""

import dagster as dg

from assets.partitions import batches
from assets.review_tasks import review_tasks

review_decisions = dg.AssetSpec(
    "review_decisions",
    deps=[review_tasks],
    partitions_def=batches,
    description="What people corrected, approved and rejected in Label Studio.",
    group_name="people",
    kinds={"labelstudio"},
    owners=["team:annotators"],
)
