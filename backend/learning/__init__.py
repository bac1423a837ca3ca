"""Tensors in, tensors out: encoders, the layered network, training, transfer heads.

Nothing here knows of HTTP, Redis, Label Studio or files.
"""
