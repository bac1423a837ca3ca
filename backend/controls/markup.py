"""From HTML to the words that a browser shows, in one pass, however broken the HTML is."""

from __future__ import annotations

import re
from html import unescape

_UNSEEN = ("head", "iframe", "noscript", "option", "script", "style", "template", "textarea", "title")
"""Elements whose content nobody reads: browsers hide it, or Label Studio takes it out."""
_INLINE = frozenset(
    (
        *(
            "a",
            "abbr",
            "acronym",
            "b",
            "bdi",
            "bdo",
            "big",
            "cite",
            "code",
            "data",
            "del",
            "dfn",
            "em",
            "font",
        ),
        *("font", "i", "ins", "kbd", "label", "mark", "nobr", "q", "rp", "rt", "ruby", "s", "samp", "small"),
        *("span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"),
    )
)
"""Elements that stand within a word without parting it."""
# A name, then anything up to ">"; in quotes after "=" a ">" ends nothing. Nothing can match in two ways, so
# that no input takes more than one look at each character.
TAG = re.compile(
    r"</?(?P<name>[a-zA-Z][a-zA-Z0-9]{0,15})[^>=]*"
    r"(?:=(?:\s*\"[^\"]*\"|\s*'[^']*'|(?!\s*[\"']))[^>=]*)*>"
)
_END = {name: re.compile(rf"</{name}(?![a-zA-Z0-9])[^>]*>?", re.IGNORECASE) for name in _UNSEEN}
BEGINS = re.compile(r"<(?=[a-zA-Z/!?])")
_INTRICATE = re.compile(
    rf"<(?:[!?/]?[^a-zA-Z/]|/[^a-zA-Z]|[a-zA-Z/][^<>]*<|(?:{'|'.join(_UNSEEN)})[\s/>])"
    r"|=\s*(?:\"[^\"<>]*[<>]|'[^'<>]*[<>])",
    re.IGNORECASE,
)
"""What takes more than leaving out what stands between < and >: comments, scripts, a > in quotes,
a < in a tag."""
_SIMPLE_INLINE = re.compile(rf"</?(?:{'|'.join(sorted(_INLINE))})(?:[\s/][^<>]*)?>", re.IGNORECASE)
_SIMPLE = re.compile(r"</?[a-zA-Z][^<>]*>")
ENDLESS_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{7,});?")
"""Of no character. Python refuses to read so long a number."""


def visible_text(html: str) -> str:
    """The words, with one space between them. Never raises.

    As a browser reads: the content of scripts and styles, and comments, are no words; what is not closed
    goes on to the end.
    """
    words = None if _INTRICATE.search(html) else _SIMPLE.sub(" ", _SIMPLE_INLINE.sub("", html))
    if words is None or BEGINS.search(words):
        words = "".join(_pieces(html))
    return " ".join(unescape(ENDLESS_REFERENCE.sub("\N{REPLACEMENT CHARACTER}", words)).split())


def _pieces(html: str) -> list[str]:
    pieces: list[str] = []
    at = 0
    while (begin := BEGINS.search(html, at)) is not None:
        pieces.append(html[at : begin.start()])
        between, at = _after_tag(html, begin.start())
        pieces.append(between)
    return [*pieces, html[at:]]


def _after_tag(html: str, at: int) -> tuple[str, int]:
    """What stands in the place of the tag, comment or element that begins here, and where it ends."""
    if html.startswith("<!--", at):
        return "", end_of(html.find("-->", at + 2), 3, html)
    tag = TAG.match(html, at)
    if tag is None:
        is_tag = html[at + 1 : at + 3].strip("/")[:1].isalpha()
        return "", len(html) if is_tag else end_of(html.find(">", at), 1, html)
    follows = html[tag.end("name")]
    name = (
        tag["name"].lower() if follows in "/>" or follows.isspace() else ""
    )  # else it is part of a longer one
    if name in _END and html[at + 1] != "/":
        end = _END[name].search(html, tag.end())
        return " ", len(html) if end is None else end.end()
    return "" if name in _INLINE else " ", tag.end()


def end_of(found: int, length: int, html: str) -> int:
    return len(html) if found < 0 else found + length
