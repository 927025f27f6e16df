"""Text never becomes markup by accident."""

import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from edgehar.reporting.markup import EMPTY, Markup, element, join, visible


class _Texts(HTMLParser):
    """Collects tags, attributes and text as a browser would see them."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data):
        self.text += data


PRINTED = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Zl", "Zp"]))


@given(PRINTED, PRINTED)
def test_any_text_comes_out_as_it_went_in(text, attribute):
    seen = _Texts(element("p", text, title=attribute))
    assert seen.tags == ["p"]
    assert seen.text == text
    assert seen.attributes == {"title": attribute}


@given(st.text(), st.text())
def test_whatever_a_stranger_writes_stays_text_that_a_file_can_hold(text, attribute):
    made = element("p", text, title=attribute)
    assert made.encode("utf-8")
    seen = _Texts(made)
    assert seen.tags == ["p"]
    assert list(seen.attributes) == ["title"]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", made)


def test_marks_that_turn_text_around_are_written_as_their_numbers():
    assert element("p", "Wal\u202eking") == "<p>Wal⟨U+202E⟩king</p>"
    assert element("p", title="a\u2066b\x00") == '<p title="a⟨U+2066⟩b⟨U+0000⟩"></p>'
    assert visible(visible("\u202e")) == visible("\u202e")


def test_letters_of_any_script_stay_as_they_are():
    for text in ("Ходьба", "歩く", "مشي", "👩🏽\u200d🦽", "é"):
        assert join(text) == text


def test_markup_is_not_escaped_again():
    inner = element("b", "<")
    assert element("p", inner, " & ") == "<p><b>&lt;</b> &amp; </p>"
    assert isinstance(join(inner, "x"), Markup)
    assert join() == EMPTY


def test_attributes_are_written_short():
    made = element("rect", x=1.0, width=2.5049, class_="a b", data_row=7, hidden=True, title=None, open=False)
    assert made == '<rect x="1" width="2.5" class="a b" data-row="7" hidden></rect>'


def test_void_elements_have_no_end():
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
