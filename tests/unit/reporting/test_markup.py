"""Text never becomes markup by accident."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from edgehar.reporting.markup import EMPTY, Markup, element, join


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


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])), st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_any_text_comes_out_as_it_went_in(text, attribute):
    seen = _Texts(element("p", text, title=attribute))
    assert seen.tags == ["p"]
    assert seen.text == text
    assert seen.attributes == {"title": attribute}


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
