"""Texts and their labels from a person's files, for `simulate`, `demo` and `next`: whatever the form, each
text once."""

from backend.labelled.load import LabelledTexts, load
from backend.labelled.partly import PartlyLabelled, load_partly
from backend.labelled.split import Row, hold_out

__all__ = ["LabelledTexts", "PartlyLabelled", "Row", "hold_out", "load", "load_partly"]
