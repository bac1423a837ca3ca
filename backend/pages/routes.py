"""The pages' addresses: who may see what, and what a form does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from flask import Blueprint, Flask, Response, current_app, g, redirect, request, url_for
from markupsafe import Markup
from redis import RedisError
from werkzeug.exceptions import Forbidden, HTTPException, NotFound, RequestEntityTooLarge, Unauthorized

from backend import held
from backend.errors import AtlasError
from backend.jobs.page_links import is_good, spend_link
from backend.jobs.state import is_known
from backend.pages import sections
from backend.pages.access import NOT_OURS, Access, check_may_change, comes_from_elsewhere, current_visitor
from backend.pages.flash import Flash
from backend.pages.listing import listed_projects
from backend.pages.rendering import fragment, page
from backend.pages.section import ProjectPage, Section
from backend.printable import printable
from backend.settings import Settings
from backend.store.changes import Change, Changes
from backend.store.locations import project_files
from backend.store.paths import project_dir

logger = logging.getLogger(__name__)

pages = Blueprint("pages", __name__, static_folder="static", static_url_path="/projects/static")
_OPEN = {"pages.static", "pages.enter", "pages.enter_by_form"}
_SPENT = "This link was used before, or is older than a day."
LARGEST_FORM = 2**20
"""Bytes: of a hundred thousand tasks' numbers."""
LARGEST_ENTRY = 16 * 2**10
"""Of a form that anybody may send: no more than comes in before a thread is lent to it."""


def add_pages(app: Flask, settings: Settings) -> None:
    app.extensions["pages"] = Access(settings)
    app.register_blueprint(pages)


@pages.before_request
def check() -> Response | None:
    is_open = request.endpoint in _OPEN
    if request.method == "POST":
        most = request.max_form_memory_size = LARGEST_ENTRY if is_open else LARGEST_FORM
        if (request.content_length or 0) > most:
            raise RequestEntityTooLarge("The form is too large.")
    if is_open:
        return None
    visitor = _access().visitor(request)
    if visitor is None:
        return _asked_who_it_is()
    g.visitor = visitor
    if request.method == "POST":
        _access().check_form(request, visitor)
    return None


@pages.route("/projects/enter", methods=["GET"])
def enter() -> Response:
    """What a link opens: a button. Opening it spends nothing, as chat programs do to show what is there."""
    code = request.args.get("code")
    if code is None:
        return _asked_who_it_is()
    if not is_good(held.dispatcher().redis, code):
        return _asked_who_it_is(_SPENT)
    return page("invited.html", code=code, **_way_in())


@pages.route("/projects/enter", methods=["POST"])
def enter_by_form() -> Response:
    """By a link's code, or by the token."""
    if comes_from_elsewhere(request):
        raise Forbidden(NOT_OURS)
    code = request.form.get("code")
    if code is not None:
        invited, wrong = spend_link(held.dispatcher().redis, code), _SPENT
    else:
        token, who = request.form.get("token", ""), request.form.get("who", "")
        invited, wrong = _access().invited_by_token(token, who), "That is not the token."
    if invited is None:
        return _asked_who_it_is(wrong)
    return _access().let_in(redirect(invited.address, 303), invited)  # type: ignore[arg-type]


@pages.route("/projects/leave", methods=["POST"])
def leave() -> Response:
    return _access().let_out(page("enter.html", 200, wrong="You have left.", **_way_in()))


@pages.route("/projects", methods=["GET"])
def projects() -> Response:
    found = listed_projects(held.settings(), held.dispatcher())
    return page("projects.html", projects=found, said=_flash().taken(), **_frame())


@pages.route("/projects/<int(max=9999999999):project_id>", methods=["GET"])
def project(project_id: int) -> Response:
    """With `only`, one section: what keeps itself up to date need not have the others made."""
    shown, only = _project(project_id), request.args.get("only")
    parts = [(each, _rendered(each, shown)) for each in sections.SECTIONS if only in (None, each.name)]
    said = _flash().taken() if only is None else None
    return page("project.html", project=shown, parts=parts, said=said, **_frame())


@pages.route("/projects/<int(max=9999999999):project_id>/<name>/<what>", methods=["GET"])
def answer(project_id: int, name: str, what: str) -> Response:
    found = sections.section(name)
    if found is None or what not in found.answers:
        raise NotFound("There is no such page.")
    return found.answers[what](_project(project_id), request.args)


@pages.route("/projects/<int(max=9999999999):project_id>/<name>/<what>", methods=["POST"])
def act(project_id: int, name: str, what: str) -> Response:
    found = sections.section(name)
    if found is None or what not in found.actions:
        raise NotFound("There is no such action.")
    visitor = current_visitor()
    check_may_change(visitor)
    shown = _project(project_id)
    if shown.state.disconnected:
        raise AtlasError(f"Project {project_id} is not connected: `label-studio-atlas connect` comes first.")
    said = found.actions[what](shown, request.form)
    logger.info("project %d: %s, by the page: %s", project_id, printable(visitor.who), printable(said))
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    Changes(project_files(held.settings(), project_id)).add([Change(now, visitor.who, said)])
    _flash().put(said)
    back = url_for("pages.project", project_id=project_id, _anchor=name)
    return redirect(back, 303)  # type: ignore[return-value]


@pages.errorhandler(AtlasError)
def refused(error: AtlasError) -> Response:
    if "visitor" not in g:  # a stranger is not told where things lie
        logger.error("pages: %s", error)
        return _problem("The pages cannot be opened just now. The backend's log says why.", 503)
    return _problem(str(error), 400)


@pages.errorhandler(RedisError)
def redis_down(error: RedisError) -> Response:
    logger.error("Redis: %s", error)
    return _problem("Redis does not answer. See whether it runs, and check REDIS_URL.", 503)


@pages.errorhandler(HTTPException)
def http_error(error: HTTPException) -> Response:
    return _problem(error.description or "", error.code or 500)


def _rendered(part: Section, shown: ProjectPage) -> Markup:
    """A section that cannot be shown says why, and the others are shown."""
    template = f"sections/{part.name}.html"
    try:
        return fragment(template, page=shown, **_frame(), **part.context(shown))
    except RedisError:
        raise
    except AtlasError as error:
        return fragment("problem_within.html", problem=str(error))
    except Exception as error:
        logger.exception("project %d: the section %r of its page cannot be shown", shown.id, part.name)
        return fragment("problem_within.html", problem=f"This cannot be shown ({type(error).__name__}).")


def _project(project_id: int) -> ProjectPage:
    """Raises NotFound for one that nothing is known of."""
    settings, dispatcher = held.settings(), held.dispatcher()
    if not (project_dir(settings.data_dir, project_id).is_dir() or is_known(dispatcher.redis, project_id)):
        raise NotFound(f"Nothing is known of project {project_id}: `label-studio-atlas connect` connects it.")
    return ProjectPage(settings, dispatcher, project_id, current_visitor(), _frame()["seal"], request.args)


def _problem(problem: str, status: int) -> Response:
    frame = _frame() if "visitor" in g else {"visitor": None, "seal": ""}
    return page("problem.html", status, problem=problem, **frame)


def _asked_who_it_is(wrong: str = "") -> Response:
    answer = page("enter.html", Unauthorized.code or 401, wrong=wrong, **_way_in())
    if _access().asks_for_password:
        answer.headers["WWW-Authenticate"] = 'Basic realm="label-studio-atlas"'
    return answer


def _way_in() -> Mapping[str, Any]:
    return {"visitor": None, "seal": ""}


def _frame() -> Mapping[str, Any]:
    """What each template sees: who looks, and what their forms carry."""
    visitor = current_visitor()
    return {"visitor": visitor, "seal": _access().seal(visitor)}


def _flash() -> Flash:
    return Flash(held.dispatcher().redis, current_visitor())


def _access() -> Access:
    found: Access = current_app.extensions["pages"]
    return found
