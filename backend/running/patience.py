"""How long the web server waits for whoever sends a request."""

REQUEST_SECONDS = 10
"""How long a request may take to arrive, and how long its sender may pause once it has a thread."""
