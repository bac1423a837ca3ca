"""Query strategies: which unlabelled items are worth labelling next. Tensors in, tensors out.

`select` picks a batch and `rank` orders a whole pool; `names` lists the strategies.
"""

from backend.sampling.ranking import Ranking, make_scene, queue_scores, rank, rank_scene, select
from backend.sampling.registry import Strategy, check_name, names
from backend.sampling.scene import Picks, Scene

__all__ = [
    "Picks",
    "Ranking",
    "Scene",
    "Strategy",
    "check_name",
    "make_scene",
    "names",
    "queue_scores",
    "rank",
    "rank_scene",
    "select",
]
