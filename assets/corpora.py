"""The asset ``corpora``: synthetic pages with exact truth, kept as a named, versioned table.

Text that stands in works models are judged on is left out: the approved columns of the validation
and test splits.
"""

import dagster as dg
from pydantic import Field

from assets.previews import in_a_row
from assets.resources import Project
from assets.stages import check_result, code_version, data_version, fingerprint, report_of
from pipelines.checks import Finding
from pipelines.ids import split_of
from pipelines.imaging.codec import decode_png
from pipelines.imaging.drawing import draw_order
from pipelines.records import Review, Split
from pipelines.synthesis.checks import characters_inside, corpus_conserved, fonts_cover
from pipelines.synthesis.corpora import CorpusPlan, make_corpus
from pipelines.synthesis.hands import load_hands
from pipelines.synthesis.layouts import Layout
from pipelines.texts import load_texts
from pipelines.truth import Corpus, CorpusPage

CODE = code_version("pipelines/synthesis", "pipelines/texts.py", "pipelines/glyphs")

PAGES_SHOWN = 3
FONTS_SHOWN = 30


class CorpusConfig(dg.Config):
    """What to draw."""

    name: str = Field(default="first", description="Name of the corpus; drawn anew if it changed.")
    pages: int = Field(default=60, ge=1, description="How many pages.")
    seed: int = Field(default=1, description="All randomness.")
    layouts: list[str] = Field(default=[], description="Kinds of pages; empty: all that suit.")
    wear: float | None = Field(default=None, description="0 fresh to 1; empty: drawn a page.")

    def plan(self) -> CorpusPlan:
        """The plan as the drawing code takes it."""
        return CorpusPlan(
            name=self.name,
            seed=self.seed,
            pages=self.pages,
            layouts=tuple(Layout(layout) for layout in self.layouts),
            wear=self.wear,
        )


CHECKS = [
    dg.AssetCheckSpec(
        "corpus_conserved", asset="corpora", blocking=True, description=corpus_conserved.__doc__
    ),
    dg.AssetCheckSpec(
        "characters_inside", asset="corpora", blocking=True, description=characters_inside.__doc__
    ),
    dg.AssetCheckSpec("fonts_cover", asset="corpora", description=fonts_cover.__doc__),
]


@dg.asset(
    group_name="material",
    kinds={"python", "opencv", "parquet"},
    owners=["team:data-engineers"],
    code_version=CODE,
    check_specs=CHECKS,
)
def corpora(
    context: dg.AssetExecutionContext,
    project: dg.ResourceParam[Project],
    config: CorpusConfig,
) -> dg.MaterializeResult:  # type: ignore[type-arg]  # with checks Dagster wants the bare class
    """字庫: pages drawn from fonts and texts, aged, with boxes, order, ink and damage as truth."""
    plan, tables = config.plan(), project.tables
    hands = load_hands(project.home / "fonts")
    texts = load_texts(project.home / "texts")
    held_out = held_out_texts(project)
    inputs = fingerprint(
        CODE, plan, [h.font.sha256 for h in hands], [t.body for t in texts], held_out
    )
    made = tables.manifest("corpora", plan.name)
    is_unchanged = made is not None and made.inputs == inputs
    if not is_unchanged:
        make_corpus(
            plan,
            hands,
            texts,
            store=project.store,
            tables=tables,
            code_version=CODE,
            held_out=held_out,
            inputs=inputs,
            workers=project.settings.workers(plan.pages),
        )
    (corpus,) = tables.read("corpora", plan.name, Corpus)
    pages = tables.read("corpus_pages", plan.name, CorpusPage)
    found = {
        "corpus_conserved": corpus_conserved(corpus, plan.pages),
        "characters_inside": characters_inside(pages),
        "fonts_cover": fonts_cover(corpus),
    }
    return report_of(
        tables,
        "corpus_pages",
        plan.name,
        taken=plan.pages,
        preview=preview(project, pages),
        metadata={
            "is_unchanged": is_unchanged,
            "characters": corpus.characters,
            "different characters": len(corpus.code_points),
            "damaged characters": corpus.damaged,
            "left out as held out": corpus.exclusion.characters,
            "rights": ", ".join(corpus.rights),
            "content": corpus.content_hash[:12],
            "corpus data version": data_version(tables, "corpora", plan.name),
            "fonts": dg.MetadataValue.md(fonts_table(corpus)),
        },
        check_results=[_result(spec, found[spec.name]) for spec in CHECKS],
    )


def held_out_texts(project: Project) -> list[str]:
    """What people approved of works that models are judged on."""
    return sorted(
        review.text
        for batch in project.tables.batches("reviews")
        for review in project.tables.read("reviews", batch, Review)
        if split_of(review.work.work_id) is not Split.TRAIN
    )


def preview(project: Project, pages: list[CorpusPage]) -> bytes | None:
    """A few pages with their true boxes in reading order."""
    shown = []
    for page in pages[:: max(1, len(pages) // PAGES_SHOWN)][:PAGES_SHOWN]:
        columns: dict[int, list[int]] = {}
        for index, character in enumerate(page.characters):
            columns.setdefault(character.column, []).append(index)
        boxes = [character.box for character in page.characters]
        image = decode_png(project.store.get(page.image_key))
        shown.append(draw_order(image, boxes, list(columns.values())))
    return in_a_row(shown)


def fonts_table(corpus: Corpus) -> str:
    """What each font of a corpus wrote and lacked, as Markdown."""
    lines = ["| font | script | rights | pages | drawn | missing |", "|---" * 6 + "|"]
    lines += [
        f"| {font.name} | {font.script} | {font.rights} | {font.pages} | {font.drawn} "
        f"| {font.missing} |"
        for font in corpus.fonts[:FONTS_SHOWN]
    ]
    return "\n".join(lines)


def _result(spec: dg.AssetCheckSpec, findings: list[Finding]) -> dg.AssetCheckResult:
    return check_result(findings, is_grave=spec.blocking, name=spec.name)
