"""What is kept on disk per project: a copy of its tasks, their features, and the model versions.

All of it can be lost: it is a cache of Label Studio, or a model that the next retrain makes again.
"""
