"""The pages: what a project does, how good it is, who disagrees, and whether it is done. Server-rendered."""

from backend.pages.routes import add_pages

__all__ = ["add_pages"]
