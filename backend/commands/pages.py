"""The command `label-studio-atlas pages`: a link that lets somebody in."""

from __future__ import annotations

import getpass

import click

from backend.commands.given import settings_with
from backend.settings import Settings


@click.command()
@click.option("--name", help="Name under which changes are logged.  [default: this machine's user]")
@click.option("--look-only", is_flag=True, help="Let whoever opens it look, and change nothing.")
@click.option("--address", help="Where the browser reaches this backend.  [default: HOST and PORT here]")
@click.option("--new-token", is_flag=True, help="First end all that links and the token have let in so far.")
def pages(name: str | None, look_only: bool, address: str | None, new_token: bool) -> None:
    """Print a link that opens the pages, where what is learned of each project is shown.

    It is good for one browser, within a day; that browser is then let in for 30 days. Needs the DATA_DIR and
    the Redis of the running backend.
    """
    from backend.running.embedded_redis import with_running_redis
    from backend.store.page_token import new_page_token, page_token

    settings = with_running_redis(settings_with())
    (new_page_token if new_token else page_token)(settings.data_dir)
    click.echo(link_for(settings, name or user_name(), may_change=not look_only, address=address))


def link_for(
    settings: Settings,
    name: str,
    *,
    may_change: bool = True,
    address: str | None = None,
    project: int | None = None,
) -> str:
    """project: whose page it opens; None for the list of all."""
    from redis import Redis

    from backend.jobs.page_links import Invited, make_link

    with Redis.from_url(settings.redis_url) as redis:
        return make_link(redis, settings, Invited(name, may_change, project), address)


def user_name() -> str:
    """Of whoever runs this; a container's user may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "whoever started it"
