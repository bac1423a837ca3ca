"""HTTP in, HTTP out."""

from backend.web.app import create_app

__all__ = ["create_app"]
