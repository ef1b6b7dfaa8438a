"""Stands in for ``python -m training`` where a test is about the graph, not about the machine.

It keeps the contract of the commands (arguments, tables, report) and does something that can be
told apart: the bundled weights read every character as 一, trained ones as 二.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from pipelines.evaluations import Evaluation
from pipelines.hand_styles import Hand
from pipelines.ids import derive_id
from pipelines.records import (
    Candidate,
    CharacterReading,
    Column,
    Origin,
    Reader,
    Reading,
    Sample,
    Split,
)
from pipelines.tables import Tables
from pipelines.truth import CorpusPage

TABLE_OF = {Reader.UNICALLI: "readings", Reader.RAPIDOCR: "second_readings"}


def read(given):
    tables, reader = Tables(given.tables), Reader(given.reader)
    written = "三"
    if reader is Reader.UNICALLI:
        is_bundled = b"bundled" in (given.checkpoint / "model.safetensors").read_bytes()
        written = "一" if is_bundled else "二"
    wait_here_if_told(given)
    readings = [
        Reading(
            reading_id=derive_id(column.column_id, reader.value, given.release_id),
            column_id=column.column_id,
            page_id=column.page_id,
            work=column.work,
            reader=reader,
            release_id=given.release_id,
            characters=tuple(
                CharacterReading(
                    character_id=character.character_id,
                    box=character.box,
                    text=written,
                    score=0.75,
                    margin=0.5,
                    candidates=(Candidate(text=written, score=0.75),),
                )
                for character in column.characters
            ),
        )
        for column in tables.read("columns", given.batch, Column)
    ]
    tables.write(TABLE_OF[reader], given.batch, Reading, readings)
    return {"columns": len(readings)}


def train(given):
    seen = [s for s in Tables(given.tables).read_all("samples", Sample) if s.split != Split.TEST]
    wait_here_if_told(given)
    given.out.mkdir(parents=True)
    (given.out / "model.safetensors").write_bytes(f"trained on {len(seen)}".encode())
    return {"samples": len(seen)}


def evaluate(given):
    tables = Tables(given.tables)
    judged = [s for s in tables.read_all("samples", Sample) if s.split is Split.TEST]
    figures = dict(
        reader=Reader.UNICALLI,
        split_fingerprint=derive_id(*sorted(s.sample_id for s in judged)),
        character_count=sum(len(s.characters) for s in judged),
    )
    value = {}
    for model_id, folder in ((given.model_id, given.checkpoint), (given.against_id, given.against)):
        is_bundled = b"bundled" in (folder / "model.safetensors").read_bytes()
        value[model_id] = 50.0 if is_bundled else float(os.environ.get("STUB_CORRECTIONS", "20"))
    more = value[given.model_id] - value[given.against_id]
    rows = [
        Evaluation(
            model_id=model_id, metric="corrections_per_100", value=rate, low=rate - 5,
            high=rate + 5, **figures,
        )
        for model_id, rate in value.items()
    ]  # fmt: skip
    rows.append(
        Evaluation(
            model_id=given.model_id, metric="more_corrections_per_100", value=more, low=more - 5,
            high=more + 5, against=given.against_id, **figures,
        )
    )  # fmt: skip
    tables.write("evaluations", given.batch, Evaluation, rows)
    return {"corrections_per_100": value[given.model_id]}


def write(given):
    given.out.write_bytes(b"PNG")
    if not given.english:
        return {"out": str(given.out)}
    said = {"chinese": given.checkpoint.name, "code": given.lexicon.name, "sign": "?"}
    return {"words": [{"english": word, **said} for word in given.text[0].split()]}


def imitate(given):
    given.out.write_bytes(b"PNG")
    return {"read_back_otherwise": [Path(one).name for one in given.references]}


def hands(given):
    tables = Tables(given.tables)
    works = {c.work.work_id: c.work for c in tables.read("columns", given.batch, Column)}
    rows = [
        Hand(
            work_id=work.work_id, calligrapher=work.calligrapher, script=work.script,
            vector=(1.0, 0.0), references=5, spread=0.1, is_one_hand=True,
            nearest_hand=given.checkpoint.name, distance=0.25, threshold=0.5, is_rejected=False,
            near_works=(), model_fingerprint="stub", code_version=given.code_version,
        )
        for work in works.values()
    ]  # fmt: skip
    tables.write("hands", given.batch, Hand, rows, inputs=given.inputs)
    return {"works": len(rows)}


def augment(given):
    tables = Tables(given.tables)
    written = [
        replace(sample, origin=Origin.SYNTHETIC, code_version=given.code_version)
        for sample in tables.read_all("samples", Sample)
        if sample.split is Split.TRAIN
    ][: given.budget]
    tables.write("augmentations", given.batch, Sample, written, inputs=given.inputs)
    return {"columns": len(written)}


def restyle_corpus(given):
    tables = Tables(given.tables)
    pages = tables.read("corpus_pages", given.corpus, CorpusPage)
    made = [replace(page, corpus=given.out_corpus) for page in pages]
    tables.write("corpus_pages", given.out_corpus, CorpusPage, made, inputs=given.inputs)
    return {"pages": len(made)}


def folder_of(given):
    """A command that makes a folder leaves in it what it was given."""
    given.out.mkdir(parents=True)
    (given.out / "given.json").write_text(json.dumps(sys.argv))
    return {"out": str(given.out)}


def attribute(given):
    said = {
        "hand": "yan", "is_rejected": False, "nearest": [["yan", 0.1], ["su", 0.4]],
        "threshold": 0.3, "looks_like_one_hand": True,
    }  # fmt: skip
    unknown = {**said, "is_rejected": True, "looks_like_one_hand": False}
    told = [{"file": Path(image).name, **said} for image in given.text]
    return {"images": told, **({"together": unknown} if len(told) > 1 else {})}


def wait_here_if_told(given):
    """Say that we are in the middle of it, and stay there until killed."""
    signal_file = os.environ.get("STUB_WAITS")
    if signal_file:
        Path(signal_file).write_text("here")
        time.sleep(120)


VERBS = {
    "read": read,
    "train": train,
    "evaluate": evaluate,
    "write": write,
    "hands": hands,
    "augment": augment,
    "restyle-corpus": restyle_corpus,
    "adapt": folder_of,
    "imitate": imitate,
    "restyle": folder_of,
    "attribute": attribute,
}


def main():
    words = sys.argv[sys.argv.index("training") + 1 :]
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("text", nargs="*")
    for name in ("tables", "store", "batch", "reader", "recipe", "model-id", "calligrapher"):
        parser.add_argument(f"--{name}", default="")
    for name in ("script", "hand", "seed"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--english", action="store_true")
    parser.add_argument("--release-id", default="")
    parser.add_argument("--against-id", default="")
    parser.add_argument("--second-readings", default="")
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    for name in ("checkpoint", "parent", "out", "against", "lexicon"):
        parser.add_argument(f"--{name}", type=Path)
    for name in (
        "inputs",
        "code-version",
        "corpus",
        "out-corpus",
        "like-batch",
        "strength",
        "steps",
    ):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--budget", type=int, default=0)
    for name in ("reader-checkpoint", "enrolled", "adapter"):
        parser.add_argument(f"--{name}", type=Path)
    for name in ("like", "mix", "skeleton", "references"):
        parser.add_argument(f"--{name}", nargs="*")
    given = parser.parse_args(words)
    sys.stderr.write(f"{given.verb} by the stub\n")
    sys.stdout.write(json.dumps(VERBS[given.verb](given)) + "\n")


if __name__ == "__main__":
    main()
