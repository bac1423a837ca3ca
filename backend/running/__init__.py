"""Processes: the web server, the worker, an embedded Redis, and the parent that watches them."""

WITHIN = "LABEL_STUDIO_ATLAS_WITHIN"
"""A variable that parts get from a parent which has said already what there is to say at the start."""
