"""What is downloaded from a project's page: a version with its report, the labels with their reasons, and the
history. The first two by those who may change something."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from importlib.resources import files as resources

from flask import Response, request, send_file
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from backend.jobs.selections import EXPORT, Selection
from backend.pages.access import check_may_change
from backend.pages.rendering import fragment
from backend.pages.section import ProjectPage
from backend.pages.sections.how_good import told_of
from backend.results.exported import FILE
from backend.spreadsheet import write_rows


def version_archive(page: ProjectPage, query: Mapping[str, str]) -> Response:
    """A ZIP archive of a version's files as the backend keeps them, and a report of it to be read."""
    check_may_change(page.visitor)
    name = query.get("version", "")
    if name not in page.names:
        raise NotFound("This version is not kept any more; open the page anew.")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in page.files.paths(f"versions/{name}"):
            zipped.writestr(path.removeprefix("versions/"), page.files.read_constant(path))
        zipped.writestr(f"{name}/report.html", _report(page, name))
    archive.seek(0)
    download = f"project-{page.id}-{name}.zip"
    return send_file(archive, "application/zip", as_attachment=True, download_name=download)


def _report(page: ProjectPage, name: str) -> str:
    """A page by itself."""
    return fragment(
        "version_report.html",
        page=page,
        name=name,
        stats=page.versions.stats(name),
        root=request.host_url,
        style=Markup((resources("backend.pages") / "static" / "pages.css").read_text()),
        shown=fragment("sections/how-good.html", page=page, seal="", **told_of(page, name)),
    )


def request_labels(page: ProjectPage, form: Mapping[str, str]) -> str:
    page.dispatcher.request_heed(page.id, Selection(EXPORT, by=page.visitor.who))
    return "A worker writes the labels with their reasons: they can be downloaded here in a moment."


def labels(page: ProjectPage, query: Mapping[str, str]) -> Response:
    check_may_change(page.visitor)
    try:
        content = page.files.read(FILE)
    except FileNotFoundError:
        raise NotFound("No labels were written yet: press the button first.") from None
    return _csv(content.decode("utf-8", "surrogatepass"), f"project-{page.id}-labels.csv")


def history(page: ProjectPage, query: Mapping[str, str]) -> Response:
    """A row for each retrain."""
    rows = page.history.read()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    written = io.StringIO()
    write_rows(written, [columns, *([row.get(name) for name in columns] for row in rows)])
    return _csv(written.getvalue(), f"project-{page.id}-retrains.csv")


def _csv(text: str, name: str) -> Response:
    answer = Response(text.encode("utf-8", "replace"), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
