"""The loop of one batch as tests drive it: push, annotate, pull, and what came of it."""

from __future__ import annotations

from annotation import interface
from annotation.gold import Gold
from annotation.pull import PullParams, pull
from annotation.push import PushParams, PushReport, push
from annotation.simulated import annotate_batch
from annotation.tasks import decision_item, region
from pipelines.records import Review, ReviewTask


class Loop:
    annotation: int
    """What a test submitted and comes back to."""

    gold: list[Gold]
    report: PushReport
    """Known columns that a test pushed among the others, and what became of them."""

    def __init__(self, client, batch, images, journal):
        self.client, self.batch, self.images, self.journal = client, batch, images, journal

    def push(self, client=None, **params):
        # The page view doubles the requests; one test has it.
        params = {"with_page_view": False, **params}
        return push(
            self.batch.tables,
            self.batch.store,
            self.batch.name,
            client or self.client,
            images=self.images,
            code_version="test",
            params=PushParams(**params),
        )

    def annotate(self):
        return annotate_batch(self.batch.tables, self.batch.name, self.client, self.batch.truth)

    def pull(self, **params):
        return pull(
            self.batch.tables,
            self.batch.name,
            self.client,
            journal=self.journal,
            params=PullParams(**params),
        )

    def rows(self):
        return self.batch.tables.read("review_tasks", self.batch.name, ReviewTask)

    def reviews(self):
        return self.batch.tables.read("reviews", self.batch.name, Review)

    def tasks(self):
        return list(self.client.tasks(self.rows()[0].project_id))

    def result_of(self, task, text, decision="approve"):
        """The drafted boxes with another text."""
        shapes = [i for i in task.predictions[-1]["result"] if i["from_name"] == interface.BOX]
        items = [
            item
            for shape, character in zip(shapes, text, strict=True)
            for item in region(
                shape["id"],
                shape["value"],
                texts={interface.WRITTEN: character},
                states=(),
                width=shape["original_width"],
                height=shape["original_height"],
            )
        ]
        return [*items, decision_item(decision)]

    def submit(self, task, text, by, decision="approve"):
        return self.client.add_annotation(
            task.task_id,
            self.result_of(task, text, decision),
            completed_by=self.client.ensure_user(by, by.split("@")[0]),
            lead_time_s=5.0,
        )
