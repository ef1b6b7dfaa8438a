"""What an archivist wants to know of every page: what was found on it, and whether to look at it.

Holds: ``PageQuality``, one row a page, and :func:`page_quality`, which gathers what the stages
measured and says in words what deserves a person's eyes. Nothing is measured anew here.

Keeps out: the measuring (``pipelines.imaging``, ``pipelines.columns``) and how the table is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from pipelines.records import Column, Page, Polarity, Rejection, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityParams:
    """From which values on a page is worth a look.

    Attributes:
        min_polarity_confidence: Below it both candidate masks scored nearly the same.
        max_noise_score: Share of the first mask that was specks.
        min_character_confidence: Mean over the characters of the page.
        few_characters: At most this many characters is a title slip, a signature or a mistake.
        max_skew_deg: A page that was turned further deserves a glance at its corners.
    """

    min_polarity_confidence: float = 0.1
    max_noise_score: float = 0.3
    min_character_confidence: float = 0.4
    few_characters: int = 2
    max_skew_deg: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuality:
    """One page as an archivist reads it; shares and confidences in [0, 1].

    Attributes:
        region_count: Parts of different polarity; 1 on nearly every page.
        skew_deg: How far the page was turned to stand upright.
        character_confidence: Mean over the characters found; 0 where there are none.
        advice: What deserves a look, as sentences; empty where nothing does.
    """

    page_id: str
    work: Work
    file_name: str
    page_index: int
    width: int
    height: int
    polarity: Polarity
    polarity_confidence: float
    ink_fraction: float
    noise_score: float
    damage_fraction: float
    line_fraction: float
    seal_count: int
    region_count: int
    skew_deg: float
    column_count: int
    character_count: int
    character_confidence: float
    uncertain_columns: int
    advice: str


_DEFAULT = QualityParams()


def page_quality(
    page: Page,
    file_name: str,
    columns: Sequence[Column],
    rejections: Sequence[Rejection],
    params: QualityParams = _DEFAULT,
) -> PageQuality:
    """One page's row.

    Args:
        page: The page.
        file_name: Of the scan it came from: what an archivist knows it by.
        columns: Its columns, in any order.
        rejections: What the columns stage refused of this page, with reasons.
        params: From which values on a page is worth a look.
    """
    confidences = [c.confidence for column in columns for c in column.characters]
    confidence = fmean(confidences) if confidences else 0.0
    uncertain = sum(column.is_order_uncertain for column in columns)
    advice = []
    if page.polarity_confidence < params.min_polarity_confidence:
        advice.append("Ink and ground were hard to tell apart: compare page and ink.")
    if page.noise_score > params.max_noise_score:
        advice.append(f"{page.noise_score:.0%} of the first mask was specks.")
    if len(page.polarity_regions) > 1:
        advice.append(f"{len(page.polarity_regions)} parts, dark on light and light on dark.")
    if abs(page.skew_deg) > params.max_skew_deg:
        advice.append(f"Turned by {page.skew_deg:+.1f} degrees.")
    if not confidences:
        reasons = ", ".join(sorted({rejection.reason for rejection in rejections}))
        advice.append(f"No characters were found ({reasons or 'no reason given'}).")
    else:
        if len(confidences) <= params.few_characters:
            advice.append(f"Only {len(confidences)} characters were found.")
        if confidence < params.min_character_confidence:
            advice.append("The boxes are unlike one another: check them before reading.")
        if uncertain:
            doubts = {column.order_doubt for column in columns if column.is_order_uncertain}
            # One doubt in all of them is mostly about the page, such as one upside down.
            said = f": {doubts.pop()}" if len(doubts) == 1 and all(doubts) else ""
            advice.append(f"Order uncertain in {uncertain} of {len(columns)} columns{said}.")
    return PageQuality(
        page_id=page.page_id,
        work=page.work,
        file_name=file_name,
        page_index=page.page_index,
        width=page.width,
        height=page.height,
        polarity=page.polarity,
        polarity_confidence=page.polarity_confidence,
        ink_fraction=page.ink_fraction,
        noise_score=page.noise_score,
        damage_fraction=page.damage_fraction,
        line_fraction=page.line_fraction,
        seal_count=len(page.seals),
        region_count=len(page.polarity_regions),
        skew_deg=page.skew_deg,
        column_count=len(columns),
        character_count=len(confidences),
        character_confidence=round(confidence, 4),
        uncertain_columns=uncertain,
        advice=" ".join(advice),
    )
