"""How somebody comes to a backend's pages: by a link, whose one button they press."""

from __future__ import annotations

from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from backend.jobs.page_links import Invited, make_link
from backend.settings import Settings
from backend.web import create_app
from tests.browser import Browser


def entered(settings: Settings, invited: Invited) -> FlaskClient:
    """A client of an application with these settings, let in."""
    client = create_app(settings).test_client()
    with Redis.from_url(settings.redis_url) as redis:
        assert press_enter(client, make_link(redis, settings, invited)).status_code == 303
    return client


def press_enter(client: FlaskClient, link: str) -> TestResponse:
    """As the link's page does."""
    return client.post("/projects/enter", data={"code": link.split("code=")[1]})


def enter_by(opened: Browser, link: str) -> None:
    """With a browser; it shows the page that the link leads to then."""
    opened.go(link)
    opened.press("//form[@action='/projects/enter']//button")
    opened.wait("return location.pathname !== '/projects/enter'")
