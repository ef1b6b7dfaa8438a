"""Layouts in the graph: what people drew cuts their pages, and nothing else."""

import dagster as dg
import pytest
from click.testing import CliRunner

from annotation.simulated import annotate_batch
from assets import automation, cli_reviews
from assets import columns as columns_asset
from assets.checks import columns_conserved, layouts_conserved
from assets.columns import columns
from assets.layouts import layouts
from assets.page_layouts import to_cut_again
from assets.reviews import reviews
from assets.runs import materialize
from assets.waiting import decision_signatures
from pipelines.columns import process_columns
from pipelines.geometry import union
from pipelines.layouts import LayoutReview
from pipelines.records import Column
from tests.annotation.layouts import page_tasks, submit_layout
from tests.annotation.loop import Loop
from tests.assets.examples import a_page_scan, a_stubbed_project, put_work
from tests.assets.test_automation import look, record_run
from tests.assets.test_graph import DRAFTS, truth_of


@pytest.fixture
def project(tmp_path):
    return a_stubbed_project(tmp_path)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def batch(project, instance, rng):
    """Two pages before people."""
    put_work(project, "b1", "work", [a_page_scan(rng), a_page_scan(rng)])
    materialize(project, instance, DRAFTS, batch="b1")
    return "b1"


def columns_of(project, page_id):
    found = project.tables.read("columns", "b1", Column)
    return [column for column in found if column.page_id == page_id]


def by_page(project):
    found = project.tables.read("columns", "b1", Column)
    return {page: columns_of(project, page) for page in dict.fromkeys(c.page_id for c in found)}


def test_a_layout_cuts_its_page_and_leaves_the_others(project, instance, batch, monkeypatch):
    client = project.label_studio()
    before = by_page(project)
    first, second = page_tasks(client, batch)
    page_id = first.data["page_id"]
    right, middle, left = [column.box for column in before[page_id]]
    submit_layout(client, first, [(1, left), (2, union([right, middle]))])
    materialize(project, instance, [layouts, reviews], batch=batch)
    (layout,) = project.tables.read("layouts", batch, LayoutReview)
    assert layouts_conserved(project.tables, batch) == []
    assert list(to_cut_again(project)) == [batch]

    looked_at = []

    def counted(pages, *args, **kwargs):
        def noted():
            for page in pages:
                looked_at.append(page.page_id)
                yield page

        return process_columns(noted(), *args, **kwargs)

    monkeypatch.setattr(columns_asset, "process_columns", counted)
    materialize(project, instance, [columns, *DRAFTS[3:]], batch=batch)
    assert looked_at == [page_id]
    assert to_cut_again(project) == {}
    after = by_page(project)
    other = second.data["page_id"]
    assert after[other] == before[other]
    assert list(after) == list(before)
    assert [column.box for column in after[page_id]] == list(layout.columns)
    assert after[page_id][0].column_id == before[page_id][2].column_id
    assert {column.layout_id for column in after[page_id]} == {layout.layout_id}
    assert columns_conserved(project.tables, batch) == []
    materialize(project, instance, [columns], batch=batch)
    assert looked_at == [page_id], "a second run does nothing twice"


def test_an_approved_column_outlives_a_layout_without_it(project, instance, batch):
    client = project.label_studio()
    before = by_page(project)
    first, _ = page_tasks(client, batch)
    page_id = first.data["page_id"]
    right, middle, left = before[page_id]
    loop = Loop(client, None, None, None)
    task = next(
        task
        for task in client.tasks(client.find_project("Beitie b1"))
        if task.data["column_id"] == middle.column_id
    )
    loop.submit(task, "天" * len(middle.characters), "wang@example.org")
    annotate_batch(project.tables, batch, client, truth_of(project, batch))
    submit_layout(client, first, [(1, right.box)])
    materialize(project, instance, [layouts, reviews], batch=batch)
    materialize(project, instance, DRAFTS[2:], batch=batch)
    assert [c.column_id for c in by_page(project)[page_id]] == [right.column_id, middle.column_id]
    reasons = {r.reason for r in project.tables.rejections("columns", batch)}
    assert "outside_layout" in reasons
    materialize(project, instance, [layouts, reviews], batch=batch)
    flags = [e for e in project.journal.entries(batch) if hasattr(e, "reason")]
    assert ("layout_changes_approved_column", middle.column_id) in [
        (flag.reason, flag.column_id) for flag in flags
    ]
    assert to_cut_again(project) == {}
    # What the simulated annotator approved gives way, and is named.
    assert ("approved_column_is_gone", left.column_id) in [
        (flag.reason, flag.column_id) for flag in flags
    ]


def test_the_sensors_take_layouts_in_and_cut_again(project, instance, batch):
    client = project.label_studio()
    assert decision_signatures(project) == {"b1": ""}
    assert look(automation.new_layouts, project, instance).run_requests == []
    first, _ = page_tasks(client, batch)
    submit_layout(client, first, [(1, by_page(project)[first.data["page_id"]][0].box)])
    asked = look(automation.decisions, project, instance)
    assert [request.partition_key for request in asked.run_requests] == ["b1"]
    materialize(project, instance, [layouts, reviews], batch=batch)
    asked = look(automation.new_layouts, project, instance)
    (request,) = asked.run_requests
    assert request.partition_key == "b1"
    assert [e.asset_key.to_user_string() for e in asked.asset_events] == ["page_layouts"]
    record_run(instance, request, dg.DagsterRunStatus.FAILURE, "cut_again")
    again = look(automation.new_layouts, project, instance)
    assert again.run_requests[0].run_key != request.run_key
    materialize(project, instance, DRAFTS[2:], batch=batch)
    assert look(automation.new_layouts, project, instance).run_requests == []


def test_from_the_command_line(project, instance, batch, monkeypatch):
    monkeypatch.setattr(cli_reviews, "open_project", lambda: project)
    client = project.label_studio()
    first, _ = page_tasks(client, batch)
    boxes = [column.box for column in by_page(project)[first.data["page_id"]]]
    submit_layout(client, first, list(enumerate(boxes[:2], 1)))
    run = CliRunner().invoke(cli_reviews.review, ["pull"])
    assert run.exit_code == 0, run.output
    assert "layouts               1, 1 not taken (1 not_reviewed)" in run.output
    assert "`beitie review push b1` cuts them into their columns" in run.output
    run = CliRunner().invoke(cli_reviews.review, ["push"])
    assert run.exit_code == 0, run.output
    assert [c.box for c in by_page(project)[first.data["page_id"]]] == boxes[:2]
    run = CliRunner().invoke(cli_reviews.review, ["pull"])
    assert "cuts them" not in run.output
