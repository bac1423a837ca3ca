"""What is asked of an item: label configs, sources of content, and a file for each kind of answer.

Knows no web, no HTTP, no jobs and no store: Label Studio's JSON in, plain values and tensors out, and back.
"""
