"""Reading many tasks while they change: a Label Studio that answers page by page, as time passes."""

from __future__ import annotations

import json
from itertools import count
from urllib.parse import parse_qs, urlsplit

from backend.labelstudio.client import LabelStudioClient
from tests.e2e.proxy import Answer, Call, Proxy

MANY = 60


def test_what_changes_while_many_are_read_is_found_by_the_next_reading() -> None:
    clock = count(1)

    def answer(call: Call) -> Answer:
        """Each request finds a task that has changed just now."""
        asked = parse_qs(urlsplit(call.path).query)
        now = f"2026-01-01T00:{next(clock):02}:00Z"
        known = {"updated_at": now, "is_labeled": True, "annotations": []}
        counted = {"total_annotations": 1, "cancelled_annotations": 0}
        count = 1 if asked["page_size"] == ["1"] else MANY
        tasks = [{"id": number, **known, **counted} for number in range(1, count + 1)]
        return Answer(200, json.dumps({"tasks": tasks, "total": MANY}).encode())

    with Proxy("http://127.0.0.1:1") as proxy:
        proxy.meddle = answer
        with LabelStudioClient(proxy.url, "0" * 40) as client:
            read = list(client.tasks_changed_since(7, "2026-01-01T00:00:00.000Z"))
    assert len(read) == 2 * MANY
    # The first request told that there are many, the second what the newest of all changes was.
    assert max(task["updated_at"] for task in read) == "2026-01-01T00:02:00Z"
