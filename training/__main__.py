"""The machine by command: ``python -m training read | train | evaluate | write | ...``.

Each verb prints one JSON object as its last line on standard output; progress goes to standard
error. A failure is one sentence on standard error and exit status 1.

Keeps out: everything but arguments (``training.commands`` does the work).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from pipelines.errors import BeitieError
from pipelines.records import Reader, Script

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def parser() -> argparse.ArgumentParser:
    """The command line, verb by verb."""
    top = argparse.ArgumentParser(
        prog="python -m training", description=(__doc__ or "").split("\n")[0]
    )
    verbs = top.add_subparsers(dest="verb", required=True)

    read = verbs.add_parser("read", help="columns of a batch to readings")
    _tables(read)
    read.add_argument("--batch", required=True)
    read.add_argument("--reader", type=Reader, choices=list(Reader), default=Reader.UNICALLI)
    read.add_argument("--checkpoint", type=Path)
    read.add_argument("--release-id", default="")
    read.add_argument("--context-weight", type=float, help="0: by look alone")
    read.add_argument(
        "--second-readings", help="tables with second_readings that UniCalli is to heed"
    )

    train = verbs.add_parser("train", help="the next model from approved samples, or from nothing")
    train.add_argument("--recipe", default="unicalli.fine_tune")
    train.add_argument("--tables")
    train.add_argument("--store")
    train.add_argument("--parent", type=Path, help="checkpoint to start from")
    train.add_argument("--out", type=Path, required=True)
    train.add_argument("--seconds", type=float, default=0.0, help="0 leaves it to the recipe")
    train.add_argument(
        "--real-characters", type=Path, help="Parquet of real ones (from nothing, oracle_bone)"
    )
    train.add_argument("--vocabulary", type=Path, help="character table (else made from texts)")
    train.add_argument("--texts", type=Path, help="folder of texts")
    train.add_argument("--codh", type=Path, help="wheel of real pages with boxes (detector)")
    train.add_argument("--flux", type=Path, help="FLUX.1 in diffusers' layout (unicalli.flux)")
    train.add_argument("--hands", nargs="*", help="font ids (from nothing)")
    train.add_argument(
        "--corpora", nargs="*", default=[], help="corpora to learn from too (unicalli.augmented)"
    )
    train.add_argument("--words", type=Path, help="Parquet of words by writer (scriptvit.words)")
    train.add_argument("--scans", type=Path, nargs="*", help="real scans (creativesynth.surface)")

    profile = verbs.add_parser("profile", help="what a recipe's network costs, and its speed here")
    profile.add_argument("--recipe", default="unicalli.small")
    profile.add_argument("--columns", type=int, default=8, help="in a batch")

    ablate = verbs.add_parser("ablate", help="what each part of the recipe is worth")
    ablate.add_argument("--checkpoint", type=Path, required=True, help="whose eye and brush")
    ablate.add_argument("--unseen", default="zhi-mang-xing", help="font id of the judged hand")
    ablate.add_argument("--steps", type=int, default=0, help="of each variant")

    context = verbs.add_parser("context", help="what follows what in texts, for a checkpoint")
    context.add_argument("--texts", type=Path, required=True, help="folder of texts")
    context.add_argument("--checkpoint", type=Path, required=True, help="whose character table")
    context.add_argument("--out", type=Path, required=True, help="the file to write")
    context.add_argument("--leave-out", nargs="*", default=[], help="titles to be judged on")

    evaluate = verbs.add_parser("evaluate", help="readers side by side on held-out samples")
    _tables(evaluate)
    evaluate.add_argument("--checkpoint", type=Path, required=True)
    evaluate.add_argument("--model-id", required=True)
    evaluate.add_argument("--against", type=Path, help="another checkpoint, compared by column")
    evaluate.add_argument("--against-id", default="", help="its model id")
    evaluate.add_argument("--batch", required=True, help="partition of evaluations to write")
    evaluate.add_argument("--context-weight", type=float, help="0: by look alone")

    write = verbs.add_parser("write", help="columns in a hand, as PNG or SVG")
    write.add_argument("text", help="blanks and line breaks part columns")
    write.add_argument("--calligrapher", default="unknown")
    write.add_argument("--script", type=Script, choices=list(Script), default=Script.REGULAR)
    write.add_argument("--hand", default="", help="font id of a hand it was trained on, instead")
    write.add_argument("--checkpoint", type=Path, required=True)
    write.add_argument("--out", type=Path, required=True, help=".png or .svg")
    write.add_argument("--seed", type=int, default=0)
    write.add_argument("--steps", type=int, help="from noise to ink (else the family's own)")
    write.add_argument("--guidance", type=float, help="towards text and prompt (the same)")
    write.add_argument("--tries", type=int, default=4, help="until it reads back right")
    write.add_argument("--english", action="store_true", help="TEXT is English: hieroglyphs of it")
    write.add_argument("--lexicon", type=Path, help="words of your own, for --english")

    judge = verbs.add_parser("judge-writing", help="what is written, beside the hand's own ink")
    judge.add_argument("--checkpoint", type=Path, required=True)
    judge.add_argument("--sheet", type=Path, required=True, help=".png to look at")
    judge.add_argument("--hands", nargs="*", help="font ids (default: all brush hands it learned)")
    judge.add_argument("--real-characters", type=Path, help="Parquet of real ones, judged as well")
    judge.add_argument(
        "--lpips-weights", type=Path, nargs=2, metavar=("ALEXNET", "LINEAR"),
        help="official files, for LPIPS beside the eye distance",
    )  # fmt: skip
    judge.add_argument("--fid-weights", type=Path, help="the official file, for FID as well")
    judge.add_argument("--characters", type=int, default=60, help="in each hand")
    judge.add_argument("--seed", type=int, default=0)
    judge.add_argument("--steps", type=int, default=16)
    judge.add_argument("--guidance", type=float, default=2.0, help="towards text and prompt")
    judge.add_argument("--tries", type=int, default=1, help="until it reads back right")

    curve = verbs.add_parser("curve", help="how a checkpoint learned, as SVG")
    curve.add_argument("--checkpoint", type=Path, required=True)
    curve.add_argument("--out", type=Path, required=True, help=".svg")

    average = verbs.add_parser("average", help="a checkpoint between two, one made from the other")
    average.add_argument("--before", type=Path, required=True)
    average.add_argument("--after", type=Path, required=True)
    average.add_argument("--share", type=float, default=0.5, help="of --after, 0 to 1")
    average.add_argument("--out", type=Path, required=True)

    identify = verbs.add_parser("identify", help="single characters or signs: the likeliest names")
    identify.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE")
    identify.add_argument("--checkpoint", type=Path, required=True)
    identify.add_argument("--top", type=int, default=5, help="how many names each gets")

    _single_characters(verbs, train, write)
    _hands(verbs)
    _pages(verbs)
    for name, verb in verbs.choices.items():
        if name not in WITHOUT_FONTS:
            verb.add_argument("--fonts", type=Path, help="font folder (default: HOME/fonts)")
            verb.add_argument("--threads", type=int, default=0, help="0: all cores")
    return top


WITHOUT_FONTS = ("context", "curve", "average")
"""Verbs that draw nothing and compute little."""


def _single_characters(
    verbs: Verbs, train: argparse.ArgumentParser, write: argparse.ArgumentParser
) -> None:
    """What is written one character at a time, by Calliffusion."""
    adapt = verbs.add_parser("adapt", help="a new hand from about five characters (calliffusion)")
    adapt.add_argument(
        "pictures", type=Path, nargs="*", metavar="IMAGE", help="named 永.png, 永-2.png, ..."
    )
    adapt.add_argument("--checkpoint", type=Path, required=True, help="the base")
    adapt.add_argument("--hand", required=True, help="its new name")
    adapt.add_argument("--script", type=Script, choices=list(Script), default=Script.UNKNOWN)
    adapt.add_argument("--out", type=Path, required=True)
    adapt.add_argument("--steps", type=int, default=0, help="0 leaves it to the recipe")

    augment = verbs.add_parser("augment", help="columns in rare hands, for training")
    _tables(augment)
    augment.add_argument("--batch", required=True, help="partition of augmentations to write")
    _records(augment)
    augment.add_argument(
        "--checkpoint", type=Path, required=True, help="who writes: a Calliffusion or a ScriptViT"
    )
    augment.add_argument("--reader-checkpoint", type=Path, required=True, help="reads it back")
    augment.add_argument("--budget", type=int, required=True, help="characters in all hands")
    augment.add_argument("--seconds", type=float, default=120, help="of learning a hand, at most")
    augment.add_argument("--seed", type=int, default=0)

    single = write.add_argument_group("with a checkpoint of calliffusion")
    single.add_argument("--mode", choices=("pro", "base"), default="pro", help="skeleton or index")
    single.add_argument("--skeleton", type=Path, nargs="*", help="pictures, one a character")
    single.add_argument("--mix", nargs="*", metavar="HAND=WEIGHT", help="other hands mixed in")
    single.add_argument("--adapter", type=Path, help="a hand learned by adapt")
    single.add_argument("--strength", type=float, help="of the adapter, 0 to 1 (else its best)")
    single.add_argument("--reader", type=Path, help="UniCalli that reads back (else the bundled)")
    for verb in (train, adapt, single):
        verb.add_argument("--bert", type=Path, help="folder of a language model (calliffusion)")


def _hands(verbs: Verbs) -> None:
    """Whose hand it is, and writing in the hand of references, by ScriptViT."""
    attribute = verbs.add_parser("attribute", help="whose hand it is, or none of the known")
    attribute.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    attribute.add_argument("--checkpoint", type=Path, required=True, help="a ScriptViT")
    attribute.add_argument("--enrolled", type=Path, help="folder a hand, or Parquet: image, hand")

    hands = verbs.add_parser("hands", help="a style vector for each work of a batch")
    _tables(hands)
    hands.add_argument("--batch", required=True)
    hands.add_argument("--checkpoint", type=Path, required=True, help="a ScriptViT")
    _records(hands)

    imitate = verbs.add_parser("imitate", help="columns in the hand of reference pictures")
    imitate.add_argument("text", help="blanks part columns, or words")
    imitate.add_argument("--references", type=Path, nargs="+", required=True, metavar="IMAGE")
    imitate.add_argument("--checkpoint", type=Path, required=True, help="a ScriptViT")
    imitate.add_argument("--out", type=Path, required=True, help=".png or .svg")
    imitate.add_argument("--one-hand", action="store_true", help="refuse references of several")


def _pages(verbs: Verbs) -> None:
    """Clean pages in the look of real scans, by CreativeSynth."""
    restyle = verbs.add_parser("restyle", help="clean pages set into the look of real scans")
    restyle.add_argument("pages", type=Path, nargs="+", metavar="PAGE")
    restyle.add_argument("--like", type=Path, nargs="+", required=True, metavar="SCAN")
    restyle.add_argument("--out", type=Path, required=True, help="folder of the restyled pages")

    corpus = verbs.add_parser("restyle-corpus", help="a synthetic corpus set into real scans")
    _tables(corpus)
    corpus.add_argument("--corpus", required=True, help="name of the corpus that is there")
    corpus.add_argument("--out-corpus", required=True, help="name of the new one")
    corpus.add_argument("--like-batch", help="batch of real pages")
    corpus.add_argument("--like", type=Path, nargs="+", default=[], metavar="SCAN")
    corpus.add_argument("--like-rights", default="", help="rights of the files of --like")
    _records(corpus)
    corpus.add_argument("--reader", type=Path, help="checkpoint that has to read it as before")
    for verb in (restyle, corpus):
        verb.add_argument("--checkpoint", type=Path, help="surface autoencoder (else the bundled)")
        verb.add_argument(
            "--without-artbn", action="store_true", help="a quarter of the time, nearly as like"
        )
        verb.add_argument("--sdxl", type=Path, help="SDXL in diffusers' layout draws the ground")
        verb.add_argument("--ip-adapter", type=Path, help="one safetensors and its image_encoder")
        verb.add_argument("--strength", type=float, default=1.0, help="of the look, 0 to 1")
        verb.add_argument("--seed", type=int, default=0)


def _records(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--code-version", default="training", help="goes into the records")
    verb.add_argument("--inputs", default="", help="fingerprint that the manifest keeps")


def _tables(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--tables", required=True, help="folder or URL of the tables")
    verb.add_argument("--store", required=True, help="folder or URL of the pictures")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit status."""
    arguments = parser().parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    # Torch takes seconds to import: --help and wrong arguments need not wait for it.
    from training import commands

    try:
        report = commands.VERBS[arguments.verb](arguments)
    except BeitieError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
