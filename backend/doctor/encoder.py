"""The check of a project's encoder: which one serves, and how to get a better one."""

from __future__ import annotations

from backend.controls.regions import RegionControl
from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, note, ok
from backend.encoders.registry import AUTO, BEGINNINGS, find_encoder
from backend.encoders.word_registry import AUTO as WORDS
from backend.encoders.word_registry import HASHED, find_word_encoder
from backend.jobs.encode_pool import kind_of
from backend.store.encoder_choice import read_choice
from backend.store.locations import encoder_of, project_files, version_store


@project_check("encoder", "label config", "settings", "model store")
def encoder(bench: ProjectBench) -> Finding:
    settings = bench.bench.settings
    versions = version_store(settings, bench.id)
    published = versions.published()
    name = None if published is None else versions.encoder(published)
    if bench.scheme.source.is_fetched:
        return ok(f"{kind_of(name)} serves" if name else "images have one of their own")
    if not bench.scheme.source.is_read:
        return ok("what tasks show is not read here: the order goes by what the wrapped backend says of it")
    wanted = bench.scheme.source.encoder(encoder_of(settings, bench.id))
    serving = wanted if name is None else kind_of(name)
    if any(isinstance(control, RegionControl) for control in bench.scheme.controls):
        return _of_words(settings.encoder, serving)
    if settings.encoder != AUTO:
        return ok(f"{serving} serves; {wanted} is asked for by ENCODER")
    if serving != wanted:
        return ok(f"{serving} serves until all texts are encoded by {wanted}")
    choice = read_choice(project_files(settings, bench.id))
    why = (
        f" ({choice.why})"
        if choice is not None and bench.scheme.source.encoder(choice.encoder) == wanted
        else ""
    )
    lacking = _lacking(BEGINNINGS[0])
    if lacking is not None:
        return note(f"{serving} serves{why}; {lacking}", "Install that on every machine, and restart.")
    return ok(f"{serving} serves{why}")


def _of_words(asked: str, serving: str) -> Finding:
    """What reads texts word by word, beside the encoder of whole texts."""
    words = find_word_encoder(asked).name
    said = f"{serving} serves for whole texts, {words} for their words"
    if not words.startswith(HASHED):
        return ok(said)
    lacking = _lacking(WORDS)
    remedy = "Set ENCODER to auto." if lacking is None else f"{lacking}, on every machine, and restart."
    return note(f"{said}: they are told by their spelling, which learns far slower", remedy)


def _lacking(name: str) -> str | None:
    """What to do to have it; None where it is at hand."""
    try:
        find_encoder(name)
    except ValueError as error:
        return str(error)
    return None
