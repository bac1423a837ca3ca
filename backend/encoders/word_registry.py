"""Encoders of words, by the names that encoders of texts have."""

from __future__ import annotations

from backend.encoders import registry
from backend.encoders.hub import Hub
from backend.encoders.packaged import Packaged
from backend.encoders.word_hashes import HashedWords
from backend.encoders.words import Vectors, WordEncoder

HASHED = "hashed"
ENDING = ":words"
"""Behind the name of an encoder of texts, the words in its middle."""
AUTO = "minilm"
"""What "auto" takes, if it is at hand."""


def find_word_encoder(name: str) -> WordEncoder:
    """What reads words for a project whose texts are encoded by `name` ("auto", "use+lsa", a hub's model).

    Of encoders side by side the first that has layers to read words from; where none has, words are told by
    their spelling: its name is then "hashed:words". Names that `WordEncoder.name` gave are understood, too.
    Raises ValueError as `find_encoder`, saying what there is or what to do.
    """
    name = name.removesuffix(ENDING)
    if name == registry.AUTO:
        name = AUTO if registry.is_at_hand(AUTO) else HASHED
    for part in name.split("+"):
        if (vectors := None if part == HASHED else _in_layers(part)) is not None:
            return WordEncoder(part + ENDING, vectors)
    return WordEncoder(HASHED + ENDING, HashedWords())


def _in_layers(name: str) -> Vectors | None:
    """Of one encoder of texts by its name."""
    kind = registry.find_encoder(name)
    if not isinstance(kind, Packaged | Hub):
        return None
    words = getattr(kind.fit([""]), "words", None)
    found: Vectors | None = None if words is None else words()
    return found
