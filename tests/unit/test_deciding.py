"""Which choices are shown where several may be given."""

import torch

from backend.labelstudio.scheme import LabelScheme
from backend.predicting import decide

SETS = ('["a"]', '["a", "b"]', '["b", "c"]')
SCHEME = LabelScheme("c", "t", "text", SETS, several=True, options=("a", "b", "c"))


def test_each_choice_that_is_more_likely_than_not_is_shown() -> None:
    probabilities = torch.tensor([[0.9, 0.05, 0.05], [0.3, 0.4, 0.3], [0.0, 0.55, 0.45]])
    labels, sure = decide(SCHEME, probabilities)
    assert labels == ['["a"]', '["a", "b"]', '["a", "b"]']
    torch.testing.assert_close(torch.tensor(sure), torch.tensor([0.95, 0.7, 0.55]))


def test_where_none_is_the_likeliest_set_is_shown() -> None:
    lone = LabelScheme("c", "t", "text", ('["a"]', '["b"]', '["c"]'), several=True, options=("a", "b", "c"))
    labels, sure = decide(lone, torch.tensor([[0.3, 0.4, 0.3]]))
    assert labels == ['["b"]']
    torch.testing.assert_close(torch.tensor(sure), torch.tensor([0.4]))
