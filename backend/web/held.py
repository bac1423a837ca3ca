"""What the application holds for its routes, by what it is."""

from __future__ import annotations

from flask import current_app

from backend.held import dispatcher, settings
from backend.passing_through import PassingThrough
from backend.predicting import Predictor
from backend.web.access import Door
from backend.web.gate import Gate
from backend.web.pressure import Slots

__all__ = ["dispatcher", "door", "gate", "passing", "predictor", "settings", "slots"]


def door() -> Door:
    found: Door = current_app.extensions["door"]
    return found


def predictor() -> Predictor:
    found: Predictor = current_app.extensions["predictor"]
    return found


def passing() -> PassingThrough:
    found: PassingThrough = current_app.extensions["passing"]
    return found


def slots() -> Slots:
    found: Slots = current_app.extensions["slots"]
    return found


def gate() -> Gate:
    found: Gate = current_app.extensions["gate"]
    return found
