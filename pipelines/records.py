"""The nine nouns as records, in the order material flows.

    Scan → Page → Column → Reading (machine) → Review (people) → Sample → Model → Release

Records are frozen; a correction is a new record. Pixels are not in them: ``*_key`` names a
picture in the content-addressed store (``pipelines.store``). Boxes are pixels of the Page
unless the field says otherwise.

Keeps out: how records are stored (``pipelines.tables``), how ids are made (``pipelines.ids``), what
is measured of them (``pipelines.evaluations``, ``pipelines.quality``), and any behaviour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pipelines.geometry import Box
from pipelines.states import Decision as Decision
from pipelines.states import Mark as Mark
from pipelines.states import Returned, State

ILLEGIBLE = "□"
"""Stands for one character that nobody can read; 〓 and ### are folded to it on import."""


class Script(StrEnum):
    """The five scripts 書體, by their usual English names, and two older ways of writing."""

    SEAL = "seal"
    CLERICAL = "clerical"
    REGULAR = "regular"
    RUNNING = "running"
    CURSIVE = "cursive"
    ORACLE_BONE = "oracle_bone"
    HIEROGLYPHS = "hieroglyphs"
    UNKNOWN = "unknown"


class Polarity(StrEnum):
    """What the original looked like before ink was made white on black."""

    DARK_ON_LIGHT = "dark_on_light"
    LIGHT_ON_DARK = "light_on_dark"


class Split(StrEnum):
    """What a work may be used for; follows from the hash of its id and never changes."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Reader(StrEnum):
    """Who read a column. ``BOTH`` is UniCalli after it was told what RapidOCR read."""

    UNICALLI = "unicalli"
    RAPIDOCR = "rapidocr"
    BOTH = "both"
    NEAREST_GLYPH = "nearest_glyph"


class Origin(StrEnum):
    """Where a sample comes from.

    ``SIMULATED_REVIEW`` is nobody's; ``WEAK`` two readers agree on, and nobody approved.
    """

    REVIEW = "review"
    SIMULATED_REVIEW = "simulated_review"
    SYNTHETIC = "synthetic"
    WEAK = "weak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is known of a work before it is looked at. ``work_id`` derives from the title."""

    work_id: str
    title: str
    calligrapher: str
    script: Script
    rights: str
    source: str
    is_synthetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """原件: one file as it came, kept byte for byte. ``scan_id`` is the hash of its bytes."""

    scan_id: str
    work: Work
    file_name: str
    media_type: str
    byte_count: int
    page_count: int
    scan_key: str
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolarityRegion:
    """A part of the page that is written in one polarity; ``confidence`` in [0, 1]."""

    box: Box
    polarity: Polarity
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """頁: one picture of a scan, upright, with its normalized ink and what was found on it.

    Attributes:
        image_key: The upright page, grey or RGB: the scan itself where it is one (JPEG or PNG),
            else a PNG.
        ink_key: The ink of the same size, white (255) on black (0).
        damage_key: A mask of the same size, 255 where ink was taken away as damage or filled in.
        seal_key: A mask of the same size, 255 where a red seal lies; None without seals.
        polarity: What the original looked like; of a page of both kinds, most of it.
        polarity_confidence: In [0, 1]; below about 0.1 a person should look.
        dark_on_light_score: Appendix C.1 score of the mask of dark ink, at most 1.
        light_on_dark_score: The same of light ink.
        polarity_regions: Each part of one polarity, the main one first.
        background: Grey of the ground, 0 to 255.
        ink_fraction: Share of the page that is ink.
        noise_score: Share of the first mask's ink that was damage, 0 (clean) to 1.
        damage_fraction: Share of the page in the damage mask.
        line_fraction: Share of the page in frames, rules and scan beds that were taken off.
        seals: Boxes of the red seals.
        skew_deg: How far the page was turned counter-clockwise to stand upright; 0 if it was
            left as scanned. ``pipelines.imaging.skew.scan_point`` leads back to the scan.
        skew_confidence: How sure the measured lean is, in [0, 1], whether or not it was turned.
    """

    page_id: str
    scan_id: str
    work: Work
    page_index: int
    width: int
    height: int
    image_key: str
    ink_key: str
    damage_key: str
    seal_key: str | None
    polarity: Polarity
    polarity_confidence: float
    dark_on_light_score: float
    light_on_dark_score: float
    polarity_regions: tuple[PolarityRegion, ...]
    background: int
    ink_fraction: float
    noise_score: float
    damage_fraction: float
    line_fraction: float
    seals: tuple[Box, ...]
    skew_deg: float
    skew_confidence: float
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """字: one place on the page where a character stands; ``confidence`` in [0, 1]."""

    character_id: str
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """列: characters from top to bottom; ``column_index`` 0 is the rightmost of the page.

    ``order_confidence`` in [0, 1] is the weakest neighbour relation of the column;
    ``is_order_uncertain`` sends it to a person's eyes. ``link_confidences`` holds the relation of
    each character to the next, one fewer than characters; ``order_doubt`` says what is doubtful
    as a sentence for annotators, and is empty where nothing is. ``layout_id`` names what a person
    said of the page's layout (``pipelines.layouts``), empty where nobody has.
    """

    column_id: str
    page_id: str
    work: Work
    column_index: int
    box: Box
    characters: tuple[Character, ...]
    image_key: str
    ink_key: str
    order_confidence: float
    is_order_uncertain: bool
    link_confidences: tuple[float, ...] = ()
    order_doubt: str = ""
    layout_id: str = ""
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One proposal for a character, ``score`` in [0, 1]."""

    text: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterReading:
    """What a reader saw in one box, ``candidates`` best first; ``text`` is empty if it refused.

    ``margin`` is the distance between the first two scores. ``alone``, with its ``alone_score``, is
    what a reader that heeds another one named before it was told; of any other it is the text.
    """

    character_id: str
    box: Box
    text: str
    score: float
    margin: float
    candidates: tuple[Candidate, ...]
    alone: str = ""
    alone_score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """釋讀: one column as one reader read it. ``release_id`` names the model that did."""

    reading_id: str
    column_id: str
    page_id: str
    work: Work
    reader: Reader
    release_id: str
    characters: tuple[CharacterReading, ...]

    @property
    def text(self) -> str:
        """The column in one string, □ where the reader refused."""
        return "".join(character.text or ILLEGIBLE for character in self.characters)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewTask:
    """What is put before an annotator: a column with its draft and why it comes early or late.

    ``priority`` in [0, 1], high first; ``uncertainty`` and ``disagreement`` explain it. ``task_id``
    is Label Studio's number; ``draft`` the text that was pre-filled: corrections count against it.
    """

    column_id: str
    page_id: str
    work: Work
    project_id: int
    task_id: int
    reading_id: str
    release_id: str
    draft: str
    priority: float
    uncertainty: float
    disagreement: float
    is_order_uncertain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedCharacter:
    """What a person says stands in a box.

    ``written`` is the form on the stone, ``canonical`` the reading it is folded to; □ in both
    where nobody can tell. ``marks``: of a signature 款, a seal 印, a note in small script 夾注.
    """

    character_id: str
    box: Box
    written: str
    canonical: str
    is_damaged: bool
    is_illegible: bool
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """校訂: one column as a person left it. No re-run ever changes one.

    ``content_hash`` covers characters, decision and remarks, so that a later edit in Label Studio
    shows; ``edit_count`` counts single-character corrections from ``draft``. ``state`` is None in
    rows older than states; ``approver`` the second person, if one was asked for; ``returned`` why
    it waits for its annotator again, with who and their reason beside it. Remarks are empty unless
    the annotator says otherwise than the work.
    """

    review_id: str
    column_id: str
    page_id: str
    work: Work
    task_id: int
    annotation_id: int
    decision: Decision
    characters: tuple[ReviewedCharacter, ...]
    draft: str
    draft_release_id: str
    edit_count: int
    annotator: str
    is_simulated: bool
    guideline_version: str
    content_hash: str
    reviewed_at: datetime
    state: State | None = None
    approver: str = ""
    returned: Returned | None = None
    returned_detail: str = ""
    note: str = ""
    script_remark: str = ""
    calligrapher_remark: str = ""

    @property
    def text(self) -> str:
        """The column in one string, as canonical readings."""
        return "".join(character.canonical for character in self.characters)

    @property
    def is_approved(self) -> bool:
        """Whether it may be learned from."""
        return self.decision is Decision.APPROVED and (self.state is None or self.state.is_vouched)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCharacter:
    """One character of a sample; ``box`` in pixels of the sample's own picture."""

    box: Box
    written: str
    canonical: str
    is_damaged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """樣本: a column's ink with its approved text, ready to train on.

    ``ink_key`` is the column cut out of the page's ink, white on black; ``prompt`` the style
    condition of appendix C.3; ``rights`` travels so that an export can refuse a mixture.
    """

    sample_id: str
    column_id: str
    page_id: str
    work: Work
    split: Split
    origin: Origin
    ink_key: str
    polarity: Polarity
    characters: tuple[SampleCharacter, ...]
    prompt: str
    review_id: str
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """模型: a checkpoint with the recipe and the samples it was made from.

    ``sample_fingerprint`` is the hash of the ids of the approved ones.
    """

    model_id: str
    family: str
    recipe: str
    parent_release_id: str
    sample_fingerprint: str
    sample_count: int
    checkpoint_path: str
    trained_at: datetime
    train_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """發布: the model that reads from now on, and the one it replaced."""

    release_id: str
    model_id: str
    family: str
    checkpoint_path: str
    replaces: str
    released_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """What a stage did not take, and why: ``reason`` is a code, ``detail`` the sentence."""

    item_id: str
    stage: str
    reason: str
    detail: str
