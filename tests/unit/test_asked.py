"""Which project a request is about, whatever stands where its number should."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.exceptions import BadRequest

from backend.web.asked import project_id, webhook_project


@pytest.mark.parametrize(
    ("named", "number"),
    [
        (7, 7),
        ("7", 7),
        ("7.1795472207", 7),
        ("7.", 7),
        ("7.x\ny", 7),
        ("007", 7),
        (7.0, 7),
        (7.9, 7),
        (999_999_999_999_999_999, 999_999_999_999_999_999),
        ("0" * 50 + "7", 7),
        ("7." + "9" * 5_000, 7),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_projects_number_is_read_as_label_studio_writes_it(named: Any, number: int) -> None:
    assert project_id(named) == number


NONE = [
    *(None, True, False, [], {}, [7], {"id": 7}, b"7"),
    *("", " ", "0", "000", "-7", "+7", " 7", "7 ", "7\n", "x", "7x", "0x7", "1e3", "٣", "７"),
    *(0, -7, 0.5, -0.0, float("nan"), float("inf"), 1e22, 10**18, 10**4_000, "9" * 19, "0" * 100 + "7"),
    *("\x00", "\ud800", "7\x00", "'; DROP TABLE", "../7", "<b>7</b>"),
]


@pytest.mark.parametrize("named", NONE, ids=lambda value: ascii(value)[:20])
def test_what_is_no_projects_number_is_refused(named: Any) -> None:
    with pytest.raises(BadRequest) as refused:
        project_id(named)
    assert refused.value.description == 'The body needs "project", the id of a Label Studio project.'


WEBHOOKS: list[tuple[dict[str, Any], str | None, int | None]] = [
    ({}, None, None),
    ({"project": 7}, None, None),
    ({"project": [7]}, None, None),
    ({"project": {"id": 7}}, None, 7),
    ({}, "7", 7),
    ({"project": {"id": 7}}, "7", 7),
    ({"project": {"id": 7}}, "007", 7),
    ({"project": 8}, "7", 7),
]


@pytest.mark.parametrize(("body", "address", "number"), WEBHOOKS)
def test_a_webhooks_project_is_in_its_payload_or_its_address(
    body: dict[str, Any], address: str | None, number: int | None
) -> None:
    assert webhook_project(body, address) == number


@pytest.mark.parametrize(
    ("body", "address", "said"),
    [
        ({"project": {"id": 7}}, "8", "names another project than its payload"),
        ({"project": {}}, None, 'needs "project"'),
        ({"project": {}}, "7", 'needs "project"'),
        ({"project": {"id": "x"}}, "7", 'needs "project"'),
        ({"project": {"id": True}}, None, 'needs "project"'),
        ({}, "", 'needs "project"'),
        ({}, "x", 'needs "project"'),
    ],
)
def test_a_webhook_that_contradicts_itself_is_refused(
    body: dict[str, Any], address: str | None, said: str
) -> None:
    with pytest.raises(BadRequest, match=said):
        webhook_project(body, address)
