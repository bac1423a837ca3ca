"""Replay a labelled file offline under several query strategies, and say which one pays."""
