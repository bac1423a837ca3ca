"""How a <Number> is best learned: by a network for bins of the answers, or by ridge regression.

python -m benchmarks.number_answers FILE.csv ...     columns text,label, of sets that are there to choose by

No set of ours asks for numbers, so they are made of the texts: how many characters, and how many capital
letters and digits, a text has; the second is skewed, most texts have few. Each way learns from 50 and 200 of
them and is measured on 500 others: the mean agreement as the control has it (1 less the distance by the range
of the answers), and the mean absolute error by the numbers' standard deviation. 5 draws each. "bins" is the
network that orders the queue, "built in" what <Number> shows: ridge regression on the bins' numbers, with a
likelihood for each bin; "ridge" is scikit-learn's on the numbers as they are. A number that most texts have
none of is left out, such as the capitals of a set in small letters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import RidgeCV
from torch import Tensor

from backend.controls.number import Number
from backend.controls.sources import Text
from backend.encoders.base import encoded
from backend.encoders.registry import find_encoder
from backend.labelled import load
from backend.learning.network import LayeredNetwork
from backend.learning.training import outputs, train_network
from backend.settings import Settings

LABELS, TEST, SEEDS = (50, 200), 500, 5
ASKED: dict[str, Callable[[str], float]] = {
    "characters": lambda text: float(len(text)),
    "capitals and digits": lambda text: float(sum(each.isupper() or each.isdigit() for each in text)),
}
Floats = npt.NDArray[np.float64]


def main(files: list[str]) -> None:
    torch.set_num_threads(1)
    print("| data | number | labels | agreement: bins | built in | ridge | error: bins | built in | ridge |")
    print("|---" * 9 + "|")
    for file in files:
        texts = [text for text, _ in load(Path(file)).rows]
        order = np.random.default_rng(0).permutation(len(texts))[: TEST + 4 * LABELS[-1]]
        texts = [texts[i] for i in order.tolist()]
        features = encoded(find_encoder(Settings().encoder).fit(texts, seed=0), texts)
        for name, number in ASKED.items():
            numbers = np.array([number(text) for text in texts])
            if np.median(numbers) == 0:
                continue
            for labels in LABELS:
                found = np.array([_measured(features, numbers, labels, seed) for seed in range(SEEDS)])
                cells = " | ".join(f"{fmean(column):.3f}" for column in found.T.tolist())
                print(f"| {Path(file).name.split('.')[0]} | {name} | {labels} | {cells} |", flush=True)


def _measured(features: Tensor, numbers: Floats, labels: int, seed: int) -> list[float]:
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(numbers)))
    taught, test = order[:labels], order[labels : labels + TEST]
    control = Number(from_name="n", to_name="t", source=Text("text"))
    given = [str(each) for each in numbers[taught.numpy()].tolist()]
    learned = control.with_classes(given)
    assert isinstance(learned, Number)
    targets = torch.tensor(learned.placed(given, learned.classes))
    bins = train_network(features[taught], targets, len(learned.classes), seed=seed, device="cpu")
    shown = learned.train_alone(features[taught], targets, seed=seed, device="cpu")[learned.shows]
    said = [_expected(learned, network, features[test]) for network in (bins, shown)]
    said.append(_ridge(features, numbers, taught, test))
    truth = numbers[test.numpy()]
    shares = [np.clip(1 - abs(each - truth) / learned.spread, 0, 1).mean() for each in said]
    return [*shares, *(abs(each - truth).mean() / numbers.std() for each in said)]


def _expected(control: Number, network: LayeredNetwork, features: Tensor) -> Floats:
    return np.array([float(each) for each in control.decide(outputs(network, features)).answers])


def _ridge(features: Tensor, numbers: Floats, taught: Tensor, test: Tensor) -> Floats:
    model = RidgeCV(np.logspace(-3, 3, 7)).fit(features[taught].double().numpy(), numbers[taught.numpy()])
    found: Floats = model.predict(features[test].double().numpy()).clip(0)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
