"""A demo that goes on at another port than before: nothing leads to the former one any more."""

from __future__ import annotations

import httpx
import pytest

from backend.demo.project import DemoProject
from tests.fakes.loop import Loop

BEFORE = "http://localhost:9090"


@pytest.mark.parametrize(
    ("now", "hooks"), [("http://localhost:9191", []), (BEFORE, [f"{BEFORE}/webhook"])], ids=["moved", "not"]
)
def test_only_the_present_address_is_connected(loop: Loop, now: str, hooks: list[str]) -> None:
    """The webhook to it is Label Studio's own doing."""
    made = loop.create(4)
    made.connections.clear()
    url, headers = loop.settings.label_studio_url, {"Authorization": "Token a-legacy-token"}
    with httpx.Client(base_url=url, headers=headers) as http:
        project = DemoProject(http, "demo", [], [], known=(made.id, list(made.tasks)))
        project.connect(BEFORE)
        loop.fake.add_webhook(made.id, f"{BEFORE}/webhook")
        project.connect_again(now)
    assert [each["url"] for each in made.connections.values()] == [now]
    assert [each["url"] for each in made.webhooks.values()] == hooks
