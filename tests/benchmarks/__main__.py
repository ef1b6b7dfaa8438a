"""Figures beside their peers, as ratios within one run, so that they mean the same anywhere.

    make bench        or        python -m tests.benchmarks [NAME ...]

    pages     normalizing a page beside only decoding it            goal: at most 4 times
    way       from a scan to its columns beside only decoding it    goal: at most 4 times
    growth    time a page and memory of 10, 100 and 1,000 pages     goal: the same
    readers   characters a second, UniCalli beside RapidOCR         goal: at least as many
    reading   characters read right in hands never learned          goal: ahead of RapidOCR
    keystrokes  presses a column with a draft, by a model        goal: fewer than without
    rounds    corrections over four rounds of learning from a hand  (half an hour; by name only)
    queue     what the order of work saves, beside a random order   (20 minutes; by name only)
    augmentations  what synthetic columns of each kind teach        (half an hour; by name only)
    weak      what two readers agree on, and what it teaches        goal: 97 % of labels right
    resynthesis  errors found by writing what was read           goal: more than the score finds
    raw       whole columns from picture to text                    goal: ahead of RapidOCR
    characters  single ones of a hand known from five         goal: nearer than blended fonts
    located   the same, found by the reader's own network       goal: beside the detector
    ink       ink against its truth, beside Otsu, Sauvola and more  goal: the best F-measure
    boxes     characters found, beside RapidOCR and projections     goal: F1 0.85 on CODH
    blocks    tokens a second, our transformer beside FLUX's        goal: at least as many
    review    push and pull of 1,000 columns, real Label Studio   (by name only)
    hands     whose hand, and writing in it, beside pixel statistics  goal: ahead of them
    restyling  synthetic pages in the look of real scans        goal: as legible, told apart less
    order     reading order on the CODH pages                       goal: 99 % of characters

Works on what `make material` fetched. Not a test: other programs on the machine disturb it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from assets.demo_material import fetch
from assets.resources import Project, read_settings
from tests.benchmarks.augmenting import bench_augmentations
from tests.benchmarks.binarization import bench_binarization
from tests.benchmarks.blocks import bench_transformer
from tests.benchmarks.characters import bench_characters
from tests.benchmarks.detection import bench_detection
from tests.benchmarks.growth import bench_growth
from tests.benchmarks.hands import bench_hands
from tests.benchmarks.keystrokes import bench_keystrokes
from tests.benchmarks.located import bench_located
from tests.benchmarks.order import bench_order
from tests.benchmarks.queue import bench_queue
from tests.benchmarks.raw_columns import bench_raw_columns
from tests.benchmarks.reading import bench_reading
from tests.benchmarks.restyling import bench_restyling
from tests.benchmarks.resynthesis import bench_resynthesis
from tests.benchmarks.reviewing import bench_review
from tests.benchmarks.rounds import bench_rounds
from tests.benchmarks.speed import bench_pages, bench_readers, bench_way
from tests.benchmarks.weak_labels import bench_weak_labels

BENCHMARKS: dict[str, Callable[[Project], None]] = {
    "pages": bench_pages,
    "way": bench_way,
    "growth": bench_growth,
    "readers": bench_readers,
    "reading": bench_reading,
    "keystrokes": bench_keystrokes,
    "weak": bench_weak_labels,
    "resynthesis": bench_resynthesis,
    "restyling": bench_restyling,
    "raw": bench_raw_columns,
    "characters": bench_characters,
    "located": bench_located,
    "rounds": bench_rounds,
    "queue": bench_queue,
    "review": bench_review,
    "augmentations": bench_augmentations,
    "ink": bench_binarization,
    "boxes": bench_detection,
    "hands": bench_hands,
    "order": bench_order,
    "blocks": bench_transformer,
}

LONG = ("rounds", "queue", "review", "augmentations")
"""Run by name only."""


def main() -> int:
    """Run the named benchmarks, or all but the long ones."""
    wanted = sys.argv[1:] or [name for name in BENCHMARKS if name not in LONG]
    if unknown := sorted(set(wanted) - set(BENCHMARKS)):
        known = ", ".join(BENCHMARKS)
        sys.stderr.write(f"Unknown benchmark {', '.join(unknown)}; known: {known}.\n")
        return 2
    project = Project(read_settings())
    fetch(project)
    for name in wanted:
        BENCHMARKS[name](project)
    return 0


if __name__ == "__main__":
    sys.exit(main())
