"""What each part of the web application finds in the application."""

from __future__ import annotations

from flask import current_app

from backend.jobs.dispatch import Dispatcher
from backend.settings import Settings


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def dispatcher() -> Dispatcher:
    found: Dispatcher = current_app.extensions["dispatcher"]
    return found
