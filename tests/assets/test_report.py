import html.parser
import re

import numpy as np
import pytest

from assets.report import Bar, Chart, Gallery, Picture, Table, Text, render, write_report
from pipelines.imaging.codec import encode_jpeg, encode_png

PICTURE = Picture(
    data=encode_jpeg(np.full((20, 30), 128, np.uint8)), caption="a page", alternative="page"
)
PARTS = [
    Text(title="What happened", paragraphs=("A & B < C",)),
    Table(title="Counts", header=("batch", "pages"), rows=(("demo-1", "12"), ("x<y", "3"))),
    Chart(
        title="Corrections",
        unit="per 100",
        bars=(
            Bar(label="before", value=20.0, low=15.0, high=25.0),
            Bar(label="after", value=10.0, low=8.0, high=12.0, is_emphasized=True),
        ),
    ),
    Gallery(title="Pages", pictures=(PICTURE,), note="as they came"),
]


class Outline(html.parser.HTMLParser):
    """Collects tags and fails on one that is closed in the wrong place."""

    void = {"meta", "img", "br", "rect", "path", "link"}

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.sources = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in {"src", "href"}]
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def page():
    return render("One turn & more", PARTS, "credits")


def test_the_page_is_well_formed(page):
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    assert outline.tags.count("h2") == len(PARTS)
    assert outline.tags.count("rect") == 2


def test_it_needs_no_network(page):
    outline = Outline()
    outline.feed(page)
    assert outline.sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in outline.sources)
    assert "http" not in re.sub(r"data:[^\"]+", "", page)


def test_what_comes_from_the_material_is_escaped(page):
    assert "A &amp; B &lt; C" in page
    assert "x&lt;y" in page
    assert "x<y" not in page


def test_numbers_stand_to_the_right_and_words_to_the_left(page):
    assert "<td class=number>12</td>" in page
    assert "<td>demo-1</td>" in page


def test_bars_share_one_scale(page):
    widths = [float(width) for width in re.findall(r'<rect[^>]* width="([\d.]+)"', page)]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)


def test_a_chart_of_zeros_is_drawn():
    chart = Chart(title="c", unit="u", bars=(Bar(label="a", value=0, low=0, high=0),))
    assert "0.0 (0.0 to 0.0)" in render("h", [chart], "")


def test_pictures_keep_their_kind():
    png = Picture(data=encode_png(np.zeros((2, 2), np.uint8)), caption="", alternative="")
    assert "data:image/png;base64," in render("h", [Gallery(title="g", pictures=(png,))], "")


def test_a_report_is_written_whole(tmp_path):
    path = write_report(tmp_path / "reports" / "demo.html", "h", PARTS, "f")
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert [file.name for file in path.parent.iterdir()] == ["demo.html"]
