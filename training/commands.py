"""What the verbs of ``python -m training`` do: those that use a model, and the list of all.

Holds: one function a verb, from parsed arguments to a report. It opens tables, fonts and
checkpoints, and calls what does the work.

Keeps out: the work itself, and the verbs that learn (``training.learning``).
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

from pipelines.errors import ModelError
from pipelines.evaluations import Evaluation
from pipelines.glyphs.registry import load_fonts
from pipelines.records import Reader, Reading, Sample, Script, Split
from pipelines.store import Store
from pipelines.tables import Tables
from training import other_families
from training.averaging import average
from training.checkpoints import family_of
from training.curves import curve_svg, read_curve
from training.evaluation import Judge
from training.families.unicalli.reading import ReadingParams, UniCalliReader
from training.families.unicalli.weights import Bundle
from training.families.unicalli.writing import UniCalliWriter, WritingParams
from training.figures import side_by_side
from training.gate import written_right
from training.hands import content_face, prompts_of, script_prompt, writing_prompt
from training.judging import judge
from training.learning import ablate, context, profile, train
from training.metrics.judged import JudgedColumn
from training.nearest_glyph import NearestGlyphReader
from training.opening import begin, drawing_of, fonts_of, opened
from training.other_scripts import identify, in_hieroglyphs, script_of
from training.readings import read_batch
from training.roles import Proposal, Recogniser
from training.second_reader import RapidOcrReader
from training.sheets import save_sheet

logger = logging.getLogger(__name__)

CALLIFFUSION = "calliffusion"
HELD_OUT = frozenset({Split.VALIDATION, Split.TEST})


def _reading(arguments: argparse.Namespace) -> ReadingParams:
    weight = arguments.context_weight
    return ReadingParams() if weight is None else ReadingParams(context_weight=weight)


def read(arguments: argparse.Namespace) -> dict[str, Any]:
    """Columns of a batch to ``readings`` or ``second_readings``."""
    begin(arguments)
    recogniser: Recogniser
    if arguments.reader is Reader.RAPIDOCR:
        recogniser, release = RapidOcrReader(arguments.threads), "rapidocr"
    elif arguments.reader is Reader.UNICALLI:
        if arguments.checkpoint is None:
            raise ModelError("Reading with UniCalli needs --checkpoint FOLDER; none was given.")
        bundle, library = opened(arguments, arguments.checkpoint)
        recogniser = UniCalliReader(bundle, library, _reading(arguments))
        release = arguments.checkpoint.name
    else:
        raise ModelError(
            f"The reader {arguments.reader.value} is a baseline for `evaluate` and writes no "
            f"readings. Use unicalli or rapidocr."
        )
    second = None
    if arguments.second_readings and arguments.reader is Reader.UNICALLI:
        stored = Tables(arguments.second_readings).read("second_readings", arguments.batch, Reading)
        second = {reading.column_id: reading for reading in stored}
    report = read_batch(
        Tables(arguments.tables),
        Store(arguments.store),
        arguments.batch,
        arguments.reader,
        recogniser,
        arguments.release_id or release,
        lambda columns: logger.info("read %d columns", columns),
        second,
    )
    return asdict(report)


def evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    """UniCalli, RapidOCR, both together and the nearest glyph on the same held-out crops.

    With another model named by ``--against``, that one reads them too, and what the first needs
    more than it is compared column by column.
    """
    begin(arguments)
    if (arguments.against is None) != (not arguments.against_id):
        raise ModelError("--against FOLDER and --against-id ID go together; one was given.")
    tables, store = Tables(arguments.tables), Store(arguments.store)
    stored = tables.read_all("samples", Sample)
    samples = [s for s in stored if s.split in HELD_OUT]
    if not samples:
        raise ModelError(
            "There is nothing to judge on: no sample belongs to a held-out work. Approve columns "
            "of a work of the validation or test split."
        )
    judge = Judge(samples, store, {s.work.calligrapher for s in stored if s.split is Split.TRAIN})
    bundle, library = opened(arguments, arguments.checkpoint)
    face = content_face(fonts_of(arguments), bundle.recipe["content_font"])
    said = judge.proposals(RapidOcrReader(arguments.threads))
    glyphs = judge.proposals(NearestGlyphReader(bundle.vocabulary, face))
    ours = _alone_and_told(judge, UniCalliReader(bundle, library, _reading(arguments)), said)
    judged = {
        **ours,
        Reader.RAPIDOCR: judge.columns(said),
        Reader.NEAREST_GLYPH: judge.columns(glyphs),
    }
    rows: list[Evaluation] = []
    for name, columns in judged.items():
        rows += judge.figures(columns, name, arguments.model_id)
    if arguments.against is not None:
        other = UniCalliReader(*opened(arguments, arguments.against), _reading(arguments))
        for name, columns in _alone_and_told(judge, other, said).items():
            rows += judge.figures(columns, name, arguments.against_id)
            rows += judge.compare(
                ours[name], columns, name, arguments.model_id, arguments.against_id
            )
    tables.write("evaluations", arguments.batch, Evaluation, rows)
    logger.info("%s", side_by_side(rows))
    return {
        "columns": len(samples),
        "figures": {_name(row): round(row.value, 4) for row in rows},
    }


def _alone_and_told(
    judge: Judge, unicalli: Recogniser, said: Sequence[Sequence[Proposal]]
) -> dict[Reader, list[JudgedColumn]]:
    """A model by itself, and after it was told what the second reader read."""
    return {
        Reader.UNICALLI: judge.columns(judge.proposals(unicalli)),
        Reader.BOTH: judge.columns(judge.proposals(unicalli, said)),
    }


def _name(row: Evaluation) -> str:
    parts = [row.model_id, row.reader.value, row.metric, row.against and f"than {row.against}"]
    return ".".join(filter(None, parts))


def write(arguments: argparse.Namespace) -> dict[str, Any]:
    """Columns of ink as PNG or SVG, marked as synthetic within the file."""
    begin(arguments)
    lines, steps = arguments.text.split(), None
    if arguments.out.suffix.lower() not in (".png", ".svg"):
        raise ModelError(
            f"Writing makes .png or .svg; {arguments.out.name} is neither. Name such a file."
        )
    if family_of(arguments.checkpoint).startswith(CALLIFFUSION):
        return other_families.write_characters(arguments)
    if arguments.lexicon is not None and not arguments.english:
        raise ModelError("--lexicon says what English words mean; give --english with it.")
    bundle, library = opened(arguments, arguments.checkpoint)
    if arguments.english:
        lines, steps = in_hieroglyphs(arguments.text, bundle, arguments.lexicon)
    writer = UniCalliWriter(bundle, library, replace(WritingParams(), **drawing_of(arguments)))
    reader = UniCalliReader(bundle, library, ReadingParams(context_weight=0))
    second = RapidOcrReader() if arguments.tries > 1 else None
    prompt = _writing_prompt(arguments, bundle)
    checked = [
        written_right(
            writer,
            reader,
            line,
            prompt,
            second=second,
            seed=arguments.seed + SEEDS_A_COLUMN * place,
            tries=arguments.tries,
        )
        for place, line in enumerate(lines or [""])
    ]
    wrong = "".join(c.column.text[place] for c in checked for place in c.wrong)
    said = {
        "Title": "　".join(lines),
        "Description": "Synthetic calligraphy, written by a model; no historical work.",
        "Software": f"Beitie, UniCalli {arguments.checkpoint.name}",
        "Prompt": prompt,
        "Seed": str(arguments.seed),
        "Read back otherwise": wrong or "none",
    }
    columns = [c.column for c in checked]
    save_sheet(arguments.out, columns, said)
    return {
        "file": str(arguments.out),
        "characters": sum(map(len, lines)),
        "read_back_otherwise": wrong,
        "is_synthetic": True,
    } | ({"words": steps} if steps else {})


def curve(arguments: argparse.Namespace) -> dict[str, Any]:
    """The learning curve of a checkpoint as a picture with axes."""
    drawn = curve_svg(read_curve(arguments.checkpoint / "curve.jsonl"))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(drawn, encoding="utf-8")
    return {"file": str(arguments.out)}


SEEDS_A_COLUMN = 1000
"""Seeds of one column's tries must not meet those of the next."""


def _writing_prompt(arguments: argparse.Namespace, bundle: Bundle) -> str:
    """The prompt of a hand the model was trained on, or of a calligrapher and a script."""
    if not arguments.hand:
        script = script_of(bundle, Script(arguments.script))
        if arguments.calligrapher == "unknown":
            return script_prompt(script)
        return writing_prompt(arguments.calligrapher, script)
    fonts = load_fonts(None, fonts_of(arguments))
    learned = [name for name in bundle.recipe["hands"] if name in fonts]
    if arguments.hand not in learned:
        raise ModelError(
            f"{arguments.checkpoint.name} has not learned the hand {arguments.hand!r}. It knows "
            f"{', '.join(learned) or 'none of the known fonts'}."
        )
    return prompts_of({arguments.hand: fonts[arguments.hand]})[arguments.hand]


VERBS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "read": read,
    "train": train,
    "profile": profile,
    "ablate": ablate,
    "context": context,
    "evaluate": evaluate,
    "write": write,
    "judge-writing": judge,
    "curve": curve,
    "average": average,
    "identify": identify,
    "adapt": other_families.adapt,
    "augment": other_families.augment,
    "attribute": other_families.attribute,
    "hands": other_families.hands,
    "imitate": other_families.imitate,
    "restyle": other_families.restyle,
    "restyle-corpus": other_families.restyle_corpus,
}
