"""What a version's manifest tells, and the version again out of it and its weights.

FORMAT counts what is written here. Manifests without the number, of the releases before, are read too: there
the networks of the control that orders the queue lay apart from those of its companions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from backend.controls.base import CLASSES
from backend.controls.scheme import LabelScheme
from backend.learning.article_head import ArticleHead
from backend.learning.calibrated import SureHead
from backend.learning.detector import Detector
from backend.learning.domain_head import DomainHead
from backend.learning.heads import ErrorHead
from backend.learning.keeping import Model
from backend.learning.network import LayeredNetwork
from backend.learning.reading import Head
from backend.learning.region_network import RegionNetwork
from backend.learning.segmentation import Segmenter
from backend.learning.tagger import Tagger
from backend.learning.wrapped import WrappedModel
from backend.store.model_version import ControlModel, ModelVersion, OrderedBy
from backend.store.queue_origin import QueueOrigin

FORMAT = 2
Tensors = dict[str, Tensor]
Json = dict[str, Any]
HEADS: dict[str, type[Head]] = {made.kind: made for made in (ErrorHead, SureHead, DomainHead, ArticleHead)}
MODELS: dict[str, Callable[[Json, Tensors], Model]] = {
    LayeredNetwork.kind: LayeredNetwork.restored,
    Tagger.kind: Tagger.restored,
    Detector.kind: Detector.restored,
    Segmenter.kind: Segmenter.restored,
    RegionNetwork.kind: RegionNetwork.restored,
    WrappedModel.kind: WrappedModel.restored,
}
"""How a model is built again, by its kind. A new kind of model is an entry here."""


class OtherFormat(ValueError):
    """Written by a newer release."""


def tensors_of(version: ModelVersion) -> Tensors:
    """All that is no JSON, on the CPU. Copies: one head may be what ranks the pool and what says how sure a
    guess is."""
    parts: dict[str, Model | Head | None] = {
        f"model{i}.{name}": network
        for i, model in enumerate(version.models)
        for name, network in model.networks.items()
    }
    parts |= {"scorer_head": version.scorer_head, "error_head": version.error_head}
    parts |= {"domain_head": version.domain_head}
    for i, order in enumerate(version.orders):
        parts |= {f"order{i}.scorer_head": order.scorer_head, f"order{i}.error_head": order.error_head}
    tensors = {
        "queue.ids": version.queue_ids,
        "queue.worth": version.queue_worth,
        "known.keys": version.known_keys,
        "known.labels": version.known_labels,
        **{f"order{i}.worth": order.worth for i, order in enumerate(version.orders)},
        **{f"origin.{name}": tensor for name, tensor in version.origin.tensors().items()},
    }
    for part, module in parts.items():
        if module is not None:
            tensors |= {f"{part}.{key}": value.detach().cpu() for key, value in module.state_dict().items()}
    return {key: value.contiguous().clone() for key, value in tensors.items()}


def manifest_of(version: ModelVersion) -> Json:
    """The rest, as JSON."""
    return {
        "format": FORMAT,
        "name": version.name,
        "scheme": version.scheme.as_json(),
        "strategy": version.strategy,
        "encoder": version.encoder,
        "models": [
            {
                "control": model.control.from_name,
                "networks": {name: network.described() for name, network in model.networks.items()},
            }
            for model in version.models
        ],
        **({"unit_encoder": version.unit_encoder} if version.unit_encoder else {}),
        **({} if version.known_answers is None else {"answers": version.known_answers}),
        "scorer_head": _described(version.scorer_head),
        "error_head": _described(version.error_head),
        "domain_head": _described(version.domain_head),
        "origin": version.origin.described(),
        "orders": [
            {
                "control": order.control,
                "share": order.share,
                "scorer_head": _described(order.scorer_head),
                "error_head": _described(order.error_head),
            }
            for order in version.orders
        ],
        "stats": version.stats,
    }


def version_from(manifest: Json, tensors: Tensors) -> ModelVersion:
    """Raises OtherFormat, or what else wrong JSON raises, for what neither `manifest_of` nor a release before
    wrote."""
    scheme = scheme_from(manifest)
    former = "format" not in manifest
    error_head = _head(manifest["error_head"], _part(tensors, "error_head"))
    scorer = "head" if former else "scorer_head"
    nothing = torch.zeros(0, dtype=torch.int64)
    return ModelVersion(
        name=manifest["name"],
        scheme=scheme,
        strategy=manifest["strategy"],
        encoder=manifest["encoder"],
        models=_former_models(scheme, manifest, tensors) if former else _models(scheme, manifest, tensors),
        scorer_head=_head(manifest[scorer], _part(tensors, scorer)),
        queue_ids=tensors["queue.ids"].to(torch.int64),
        queue_worth=tensors["queue.worth"],
        known_keys=tensors.get("known.keys", nothing),  # of an older release there are none
        known_labels=tensors.get("known.labels", nothing),
        known_answers=None if "answers" not in manifest else tuple(map(str, manifest["answers"])),
        unit_encoder=str(manifest.get("unit_encoder", "")),
        stats=manifest["stats"],
        error_head=error_head if isinstance(error_head, ErrorHead) else None,
        domain_head=_head(manifest.get("domain_head"), _part(tensors, "domain_head")),
        origin=QueueOrigin.from_parts(manifest.get("origin"), _part(tensors, "origin")),
        orders=tuple(
            _order(described, _part(tensors, f"order{i}"))
            for i, described in enumerate(manifest.get("orders", ()))
        ),
    )


def scheme_from(manifest: Json) -> LabelScheme:
    """What a version was trained for. Raises as `version_from`."""
    found = manifest.get("format", FORMAT)
    if found != FORMAT:
        raise OtherFormat(f"it is of format {found}, of another release; this one reads up to {FORMAT}")
    return LabelScheme.from_json(manifest["scheme"])


def _models(scheme: LabelScheme, manifest: Json, tensors: Tensors) -> tuple[ControlModel, ...]:
    controls = {control.from_name: control for control in scheme.controls}
    return tuple(
        ControlModel(controls[each["control"]], _networks(each["networks"], tensors, f"model{i}."))
        for i, each in enumerate(manifest["models"])
    )


def _order(described: Json, tensors: Tensors) -> OrderedBy:
    """tensors: those of this one."""
    error_head = _head(described["error_head"], _part(tensors, "error_head"))
    return OrderedBy(
        str(described["control"]),
        float(described["share"]),
        tensors["worth"],
        _head(described["scorer_head"], _part(tensors, "scorer_head")),
        error_head if isinstance(error_head, ErrorHead) else None,
    )


def _former_models(scheme: LabelScheme, manifest: Json, tensors: Tensors) -> tuple[ControlModel, ...]:
    shapes = {"network": manifest["shape"], "choices": manifest["choices"]}
    found = _networks({name: shape for name, shape in shapes.items() if shape is not None}, tensors)
    names = {"network": CLASSES, "choices": scheme.main.shows}
    models = [ControlModel(scheme.main, {names[name]: network for name, network in found.items()})]
    for i, other in enumerate(manifest["companions"]):
        control = LabelScheme.from_json(other["scheme"]).main
        network = _network(other["shape"], _part(tensors, f"companion{i}"))
        models.append(ControlModel(control, {control.shows: network}))
    return tuple(model for model in models if model.networks)


def _networks(described: Mapping[str, Json], tensors: Tensors, prefix: str = "") -> dict[str, Model]:
    return {name: _network(each, _part(tensors, f"{prefix}{name}")) for name, each in described.items()}


def _network(described: Json, weights: Tensors) -> Model:
    """Releases before kept one kind alone, and did not name it."""
    return MODELS[described.get("kind", LayeredNetwork.kind)](described, weights)


def _described(head: Head | None) -> Json | None:
    return None if head is None else head.described()


def _head(described: Json | None, weights: Tensors) -> Head | None:
    return None if described is None else HEADS[described["kind"]].restored(described, weights)


def _part(tensors: Tensors, name: str) -> Tensors:
    return {
        key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")
    }
