"""How this machine's processor rounds. Fifty steps of L-BFGS make a thousandth of what one of them rounds
otherwise, so numbers to 1e-5 are the same only where each sum is added up in the same way."""

from __future__ import annotations

import hashlib

import numpy as np
import torch

ALIKE = {
    "OMP_NUM_THREADS": "1",
    "MKL_CBWR": "COMPATIBLE",
    "ATEN_CPU_CAPABILITY": "default",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "FMA3 AVX2 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
}
"""Set before a process starts: libraries use no vector units that other x86 processors lack."""


def rounding() -> str:
    """The digest of what libraries make of the same numbers, without any code of ours."""
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(90, 40))
    singular = np.linalg.svd(rows, full_matrices=False)[2]
    features = torch.tensor(np.exp(rows @ singular.T).astype(np.float32)).log1p()
    targets = torch.tensor(chance.integers(0, 3, 90))
    weights = torch.tensor(chance.normal(size=(40, 3)).astype(np.float32)).requires_grad_()
    search = torch.optim.LBFGS([weights], max_iter=20, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        search.zero_grad()
        found = torch.nn.functional.cross_entropy(features @ weights, targets)
        found.backward()
        return found

    search.step(loss)
    return hashlib.sha256(singular.tobytes() + weights.detach().numpy().tobytes()).hexdigest()
