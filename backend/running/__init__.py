"""Processes: the web server, the worker, an embedded Redis, and the parent that watches them."""
