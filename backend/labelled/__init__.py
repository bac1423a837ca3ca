"""Labelled texts from a person's file, for `simulate` and `demo`: whatever its form, each text once."""

from backend.labelled.load import LabelledTexts, load
from backend.labelled.split import Row, hold_out

__all__ = ["LabelledTexts", "Row", "hold_out", "load"]
