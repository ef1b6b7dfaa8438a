"""The asset ``restyled_corpora``: a synthetic corpus set into the surface of real scans.

Text, boxes and damage stay those of the corpus it was made from; only the pictures change.
"""

import dagster as dg
from pydantic import Field

from assets.commands import run_training
from assets.corpora import corpora, preview
from assets.release_pointer import WEIGHTS, checkpoint, current
from assets.resources import Project
from assets.stages import code_version, data_version, file_fingerprint, fingerprint, report_of
from pipelines.truth import CorpusPage

CODE = code_version("training/families/creativesynth", "training/restyled_corpus.py")


class RestyleConfig(dg.Config):
    """What is restyled, and after what."""

    corpus: str = Field(default="first", description="The corpus to start from.")
    like: str = Field(description="The batch whose pages show how it shall look.")
    name: str = Field(default="", description="Of the new corpus; empty: CORPUS-like-BATCH.")
    seed: int = Field(default=0, description="All randomness.")
    reads_back: bool = Field(
        default=False, description="Refuse pages that the reader of now reads much worse."
    )

    @property
    def out(self) -> str:
        """Name of the new corpus."""
        return self.name or f"{self.corpus}-like-{self.like}"


@dg.asset(
    deps=[corpora],
    group_name="machine",
    kinds={"python", "torch", "parquet"},
    owners=["team:ml-engineers"],
    code_version=CODE,
    pool="gpu0",
)
def restyled_corpora(
    context: dg.AssetExecutionContext,
    project: dg.ResourceParam[Project],
    config: RestyleConfig,
) -> dg.MaterializeResult[None]:
    """仿舊: the pages of a corpus as if they had been found on the paper or stone of a batch."""
    tables = project.tables
    reader = checkpoint(project, current(project)) if config.reads_back else None
    inputs = fingerprint(
        CODE,
        config.seed,
        file_fingerprint(reader / WEIGHTS) if reader else "",
        data_version(tables, "corpus_pages", config.corpus),
        data_version(tables, "pages", config.like),
    )
    made = tables.manifest("corpus_pages", config.out)
    is_unchanged = made is not None and made.inputs == inputs
    if not is_unchanged:
        settings = project.settings
        arguments = ["--tables", settings.tables_url, "--store", settings.store_url]
        arguments += ["--corpus", config.corpus, "--like-batch", config.like]
        arguments += ["--out-corpus", config.out, "--seed", str(config.seed), "--inputs", inputs]
        arguments += ["--code-version", CODE]
        arguments += ["--reader", str(reader)] if reader else []
        run_training(
            settings,
            "restyle-corpus",
            arguments,
            on_progress=context.log.info,
            lock=project.gpu_lock,
        )
    pages = tables.read("corpus_pages", config.out, CorpusPage)
    source = tables.manifest("corpus_pages", config.corpus)
    return report_of(
        tables,
        "corpus_pages",
        config.out,
        taken=source.accepted if source else 0,
        preview=preview(project, pages),
        metadata={"is_unchanged": is_unchanged, "corpus": config.out, "like": config.like},
    )
