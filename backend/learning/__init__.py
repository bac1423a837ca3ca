"""Tensors in, tensors out: the layered network, training, transfer heads.

Nothing here knows of HTTP, Redis, Label Studio or files.
"""
