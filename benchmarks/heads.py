"""Where the heads earn their place: a kind that is in no label, and errors that the model is sure of.

python -m benchmarks.heads shift|errors|shapes FOLDER SET,... [ROW ...]      FOLDER as its README says

* `shift`: a third of the pool is of a kind that no label is of. Labels until 20 of it are labelled, 5 at a
  time, trained anew each time: the median of 5 seeds, and the seeds themselves.
  There are 100 labels before.
* `errors`: a cluster of items that a model is sure of and wrong about; labels until 10 of them are labelled.
  Of both the rows that are named, such as margin "the same, the article's head"; all by default.
* `shapes`: domain heads of several shapes on the scene that `shift` begins with: the area under the ROC curve
  of new against old, and the share of the first 10 that is new.

No setting is taken from what was reported: give it sets to choose on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import fmean, median

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from backend.learning.domain_head import train_domain_head
from backend.learning.training import Trained, train
from backend.sampling import make_scene, rank_scene
from backend.sampling.scene import Scene
from benchmarks.planted import Planted, Vectors, confident_errors, shift, vectors

SEEDS, STEP = 5, 5
START, MOST = 100, 150
OF_NEW, OF_WRONG = 20, 10
Options = dict[str, object]
OF_SHIFT: list[tuple[str, str, Options]] = [
    ("random", "random", {}),
    ("margin", "margin", {}),
    ("adaptive_representative", "adaptive_representative", {}),
    ("discriminative", "discriminative", {}),
    ("transfer_representative", "transfer_representative", {}),
    ("the same, hidden layer alone", "transfer_representative", {"layers": "hidden"}),
    ("the same, the article's head", "transfer_representative", {"layers": "hidden", "head": "article"}),
]
OF_ERRORS: list[tuple[str, str, Options]] = [
    ("random", "random", {}),
    ("margin", "margin", {}),
    ("transfer_uncertainty", "transfer_uncertainty", {}),
    ("the same, all layers", "transfer_uncertainty", {"layers": "all"}),
    ("the same, the article's head", "transfer_uncertainty", {"head": "article"}),
    ("atlas", "atlas", {"round": 1}),
]
WITHOUT_MODEL = {"random", "adaptive_representative", "discriminative"}
SHAPES: list[tuple[str, Options]] = [
    ("direct only", {"depth": 0}),
    ("one layer of 16", {}),
    ("one of 4", {"width": 4}),
    ("one of 64", {"width": 64}),
    ("two of 16", {"depth": 2}),
    ("direct, hidden layer alone", {"depth": 0, "reads": "hidden"}),
    ("one of 16, hidden layer alone", {"reads": "hidden"}),
]


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    what, folder, names, *only = arguments
    rows = OF_SHIFT if what == "shift" else OF_ERRORS
    if unknown := set(only) - {said for said, _, _ in rows}:
        raise SystemExit(f"No row is named {unknown}; there are {[said for said, _, _ in rows]}.")
    sets = {name: vectors(Path(folder), name) for name in names.split(",")}
    if what == "shapes":
        shapes([shift(found, seed, START) for found in sets.values() for seed in range(SEEDS)])
        return
    print(f"| strategy | {' | '.join(sets)} |")
    print("|---" * (1 + len(sets)) + "|")
    for said, strategy, options in rows:
        if only and said not in only:
            continue
        cells = (_cell(what, found, strategy, options) for found in sets.values())
        print(f"| {said} | {' | '.join(cells)} |", flush=True)


def _cell(what: str, found: Vectors, strategy: str, options: Options) -> str:
    plant, wanted = (shift, OF_NEW) if what == "shift" else (confident_errors, OF_WRONG)
    pools = [plant(found, seed, START) for seed in range(SEEDS)]
    needed = [labels_until(wanted, pool, strategy, options, seed) for seed, pool in enumerate(pools)]
    return f"{median(needed):.0f} ({', '.join(str(each) for each in needed)})"


def labels_until(wanted: int, planted: Planted, strategy: str, options: Options, seed: int) -> int:
    """Labels given until so many of the planted are among them; MOST where it takes no fewer."""
    labeled, waiting, given = planted.labeled, planted.waiting, 0
    found = 0
    while given < MOST and found < wanted:
        scene = _scene(planted, labeled, waiting, strategy, seed)
        picks = waiting[rank_scene(strategy, scene, STEP, **options).order[:STEP]]
        for pick in picks:  # the last of a batch may be needed no more
            given += 1
            found += bool(planted.new[pick])
            if found == wanted:
                break
        labeled = torch.cat([labeled, picks])
        waiting = waiting[~torch.isin(waiting, picks)]
    return given


def _scene(planted: Planted, labeled: Tensor, waiting: Tensor, strategy: str, seed: int) -> Scene:
    x, y = planted.features, planted.targets
    trained: Trained | None = None
    if strategy not in WITHOUT_MODEL:
        trained = train(x[labeled], y[labeled], planted.classes, seed=seed)
    lot = seed * 1_000_003 + len(labeled)
    return make_scene(
        x[waiting],
        x[labeled],
        y[labeled],
        n_classes=planted.classes,
        seed=lot,
        trained=trained,
        blocks=planted.blocks,
    )


def shapes(scenes: list[Planted]) -> None:
    print("| head | AUC | new among the first 10 |")
    print("|---|---|---|")
    found: dict[str, list[tuple[float, float]]] = {}
    for seed, planted in enumerate(scenes):
        scene = _scene(planted, planted.labeled, planted.waiting, "", seed)
        new = planted.new[planted.waiting]
        for said, worth in _said(scene):
            top = float(new[worth.topk(10).indices].float().mean())
            found.setdefault(said, []).append((float(roc_auc_score(new, worth)), top))
    for said, numbers in found.items():
        print(f"| {said} | {fmean(n[0] for n in numbers):.3f} | {fmean(n[1] for n in numbers):.3f} |")


def _said(scene: Scene) -> list[tuple[str, Tensor]]:
    from backend.sampling.transfer import domains

    layers, application = domains(scene)

    def ask(**options: object) -> Tensor:
        head = train_domain_head(layers, application, blocks=scene.blocks, seed=scene.seed, **options)  # type: ignore[arg-type]
        said: Tensor = head(scene.pool_layers)
        return said

    return [(said, ask(**options)) for said, options in SHAPES]


if __name__ == "__main__":
    main(sys.argv[1:])
