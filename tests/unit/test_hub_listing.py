"""What a hub says it has is believed as far as it has the form of a hub's answer."""

from __future__ import annotations

import json

import httpx
import pytest

from backend.encoders.hub import HubName
from backend.errors import AtlasError
from backend.hub import _listed

COMMIT = "0" * 40
FILE = {"rfilename": "model.safetensors", "size": 5, "blobId": "x"}
TOLD: list[object] = [
    None, [], 5, "x", {}, {"sha": COMMIT}, {"sha": COMMIT, "siblings": None}, {"sha": COMMIT, "siblings": 5},
    {"sha": COMMIT, "siblings": ["model.safetensors"]}, {"sha": COMMIT, "siblings": [None]},
    {"sha": COMMIT, "siblings": [{**FILE, "size": None}]},
    {"sha": COMMIT, "siblings": [{**FILE, "size": "x"}]},
    {"sha": COMMIT, "siblings": [{**FILE, "size": float("inf")}]},
    {"sha": COMMIT, "siblings": [{**FILE, "lfs": "x"}]}, {"sha": COMMIT, "siblings": [{"size": 5}]},
    {"sha": 5, "siblings": [FILE]}, {"sha": "main", "siblings": [FILE]},
    {"sha": "../" * 14, "siblings": [FILE]},
    {"sha": COMMIT, "siblings": []}, {"sha": COMMIT, "siblings": [{**FILE, "rfilename": 5}]},
    {"sha": COMMIT, "siblings": [{**FILE, "rfilename": "../model.safetensors"}]},
    {"sha": COMMIT, "siblings": [{**FILE, "rfilename": "/etc/model.safetensors"}]},
    {"sha": COMMIT, "siblings": [{**FILE, "rfilename": "pytorch_model.bin"}]},
]  # fmt: skip


@pytest.mark.parametrize("told", TOLD, ids=lambda told: json.dumps(told)[:60])
def test_what_is_no_hubs_answer_is_refused_in_a_sentence(told: object) -> None:
    """And no file's name leads out of the folder that it belongs into."""
    handler = httpx.MockTransport(lambda request: httpx.Response(200, content=json.dumps(told).encode()))
    with (
        httpx.Client(transport=handler, base_url="http://hub") as client,
        pytest.raises(AtlasError) as refused,
    ):
        _listed(client, HubName.parse("a/b"))
    said = ("does not answer as a model hub does", "names no commit of a/b", "has no model.safetensors")
    assert any(each in str(refused.value) for each in said)
