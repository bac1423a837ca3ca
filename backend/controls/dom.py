"""From HTML to the text that Label Studio's editor counts characters in: that of all text nodes of the page,
as they are, and a line feed for each <br>.

Follows the editor's DomManager and sanitizeHtml (1.23.2), and the HTML standard where browsers leave out or
change characters: https://html.spec.whatwg.org/multipage/parsing.html.
"""

from __future__ import annotations

import re
from html import unescape

from backend.controls.markup import BEGINS, ENDLESS_REFERENCE, TAG, end_of

_GONE = frozenset(("script", "iframe", "template"))
"""Elements whose content is no part of the page's text: Label Studio takes them out, or the browser does."""
_RAW = frozenset(("style", "noscript", "xmp", "noembed", "noframes"))
"""Elements whose content is text as it is written, tags and references too."""
_NO_TAGS = frozenset(("title", "textarea"))
"""Elements in which references are read, and tags are text."""
_IN_HEAD = frozenset(
    ("html", "head", "meta", "link", "base", "title", "style", "script", "noscript", "template")
)
"""What may stand before the body without beginning it."""
_SWALLOWS_A_LINE = frozenset(("pre", "textarea", "listing"))
"""Elements whose first line feed is left out."""
_ENDS = {
    name: re.compile(rf"</{name}(?=[\s/>])[^>]*>?", re.IGNORECASE) for name in (*_GONE, *_RAW, *_NO_TAGS)
}
_NAME = re.compile(r"[^\s/>]+")
_SPACE = " \t\n\f"


def dom_text(html: str, inline: bool) -> str:
    """Never raises. inline: whether the HTML stands in the editor's own page; else it is a page of its own,
    of which what is before the body does not count."""
    return "".join(_Reader(_with_line_feeds(html).replace("\0", ""), inline).pieces())


class _Reader:
    def __init__(self, html: str, in_body: bool):
        self._html = html
        self._in_body = in_body
        self._after_line = False
        """Whether a line feed would be the first character of an element that swallows it."""
        self._pieces: list[str] = []

    def pieces(self) -> list[str]:
        at = 0
        while (begin := BEGINS.search(self._html, at)) is not None:
            self._text(self._html[at : begin.start()])
            at = self._after_tag(begin.start())
        self._text(self._html[at:])
        return self._pieces

    def _text(self, text: str, as_written: bool = False) -> None:
        if not as_written:
            text = _with_line_feeds(unescape(ENDLESS_REFERENCE.sub("\N{REPLACEMENT CHARACTER}", text)))
        if not self._in_body:
            text = text.lstrip(_SPACE)
        if not text:
            return
        self._in_body = True
        self._pieces.append(text.removeprefix("\n") if self._after_line else text)
        self._after_line = False

    def _after_tag(self, at: int) -> int:
        """Where the tag, comment or element that begins here ends; with its text taken in."""
        html = self._html
        if html.startswith("<!--", at):
            return end_of(html.find("-->", at + 2), 3, html)
        tag = TAG.match(html, at)
        if tag is None:
            is_tag = html[at + 1 : at + 3].strip("/")[:1].isalpha()
            return len(html) if is_tag else end_of(html.find(">", at), 1, html)
        name = _NAME.findall(html[tag.start("name") : tag.end()])[0].lower()
        self._after_line = False
        if html[at + 1] == "/":
            self._in_body |= name in ("br", "body", "html")
            self._pieces += ["\n"] if name == "br" else []
            return tag.end()
        return self._element(name, tag.end())

    def _element(self, name: str, at: int) -> int:
        """The same, of an element whose first tag ends here."""
        was_in_body = self._in_body
        self._in_body |= name not in _IN_HEAD
        self._after_line = name in _SWALLOWS_A_LINE
        if name == "br":
            self._pieces.append("\n")
        if name not in _ENDS:
            return at
        found = _ENDS[name].search(self._html, at)
        inner = self._html[at : len(self._html) if found is None else found.start()]
        if name not in _GONE and (was_in_body or name not in _IN_HEAD):
            self._text(inner, as_written=name in _RAW)
        self._after_line = False
        return len(self._html) if found is None else found.end()


def _with_line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
