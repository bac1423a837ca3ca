"""Query strategies: which unlabelled items are worth labelling next. Tensors in, tensors out.

`select` picks a batch and `rank` orders a whole pool; `names` lists the strategies.
"""

from backend.sampling.picks import Picks
from backend.sampling.ranking import Ranking, make_scene, queue_scores, rank, rank_scene, select
from backend.sampling.registry import check_name, names
from backend.sampling.scene import Scene
from backend.sampling.strategy import Strategy
from backend.sampling.unit_scene import UnitScene

__all__ = [
    "Picks",
    "Ranking",
    "Scene",
    "Strategy",
    "UnitScene",
    "check_name",
    "make_scene",
    "names",
    "queue_scores",
    "rank",
    "rank_scene",
    "select",
]
