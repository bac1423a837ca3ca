"""Query strategies: which unlabelled items are worth labelling next. Tensors in, tensors out.

`select` and `rank` are the public face; `names` lists the strategies.
"""

from backend.sampling.registry import Ranking, names, places, rank, select

__all__ = ["Ranking", "names", "places", "rank", "select"]
