"""label-studio-atlas: a live active-learning backend for Label Studio."""

__version__ = "0.1.0"
