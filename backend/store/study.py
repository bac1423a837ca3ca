"""What a worker found out about a project for its page: about its people, and labels that look wrong."""

from __future__ import annotations

import json
import logging
from typing import Any

from backend.errors import ModelStoreError
from backend.store.files import Files
from backend.store.kept_json import UNREADABLE

logger = logging.getLogger(__name__)

FILE = "study.json"


def read_study(files: Files) -> dict[str, Any]:
    """files: the project's. {} where nothing was found out yet.

    `at`: when, ISO 8601, UTC; `labels`: of how many; `version`: the newest then; `title`: the project's;
    `people`: of `jobs.people`; `names`: by annotator; `finds`: of `jobs.rare_finds`;
    `suspects`: a list, `who` in each the annotators who said so, and `judged`, `contradicted` and `by_lot`
    beside it, or `refused`, why there are none.
    `opinions`: a list, `who` in each by vote, `above` in each whether it is worth more than a label on a
    typical new task, and `opinions_in_all` beside it, of how many these are the first; or `opinions_refused`
    likewise.
    """
    try:
        found = json.loads(files.read(FILE).decode("utf-8", "surrogatepass"))
    except (*UNREADABLE, ModelStoreError) as error:
        logger.debug("no study: %s", error)
        return {}
    return found if isinstance(found, dict) else {}


def write_study(files: Files, study: dict[str, Any]) -> None:
    """Raises ModelStoreError, OSError."""
    files.write(FILE, json.dumps(study, ensure_ascii=False).encode("utf-8", "surrogatepass"))
