"""What content becomes: vectors, by encoders that have names.

Tensors out; nothing here knows of HTTP, Redis or Label Studio.
"""
