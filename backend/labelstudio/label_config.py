"""From a label config to what there is to learn, or to what would have to change."""

from __future__ import annotations

from dataclasses import replace

from backend.errors import LabelConfigError
from backend.labelstudio.content import ENCODINGS, field_of, names_a_field
from backend.labelstudio.nothing_to_learn import why_nothing
from backend.labelstudio.scheme import LabelScheme
from backend.labelstudio.tags import Condition, Tag, Tags, read_tags, shortened


def parse_label_config(xml: object, preferred: str | None = None) -> LabelScheme:
    """The first <Choices>, or <Taxonomy> of one level, on a text; the one of a `preferred` name, if there.

    The others on the same text are its companions.
    Raises LabelConfigError, with what to change, when the config has none.
    """
    tags = read_tags(xml)
    learned, problems = learnable(tags, preferred)
    if not learned:
        raise LabelConfigError(" ".join(problems.values()) or why_nothing(tags))
    first, *others = learned
    companions = tuple(other for other in others if other.reads_as(first))
    names = {scheme.from_name for scheme in (first, *companions)}
    beside = tuple(dict.fromkeys(tag.name for tag in tags.controls if tag.name not in names))
    return replace(first, companions=companions, beside=beside)


def learnable(tags: Tags, preferred: str | None = None) -> tuple[list[LabelScheme], dict[str, str]]:
    """What can be learned of a config, the preferred control first, and, by control, why another cannot be.

    Not among either is what does not put texts into classes.
    """
    texts, result_of = tags.texts, _Results(tags)
    on_text = [tag for tag in tags.choices if tag.to_name in texts]
    learned, problems = [], {}
    for control in sorted(on_text, key=lambda tag: tag.name != preferred):
        try:
            scheme = _scheme(control, texts[control.to_name])
            learned.append(replace(scheme, conditions=tuple(map(result_of, control.conditions))))
        except LabelConfigError as problem:
            problems[control.name] = str(problem)
    return learned, problems


def _scheme(control: Tag, text: Tag) -> LabelScheme:
    _refuse_what_is_not_of_the_text(control, text)
    if control.has_nested_choices:
        raise LabelConfigError(
            f"{control} has choices within choices; one level is learned. Remove the inner ones."
        )
    distinct = tuple(dict.fromkeys(filter(None, (alias or value for value, alias in _fixed(control)))))
    dynamic = "$" in control.attributes.get("value", "")
    several = _takes_several(control)
    if len(distinct) < 2 and not dynamic:
        raise LabelConfigError(_too_few(control))
    return LabelScheme(
        from_name=control.name,
        to_name=control.to_name,
        field=field_of(text.value),
        labels=() if dynamic or several else distinct,
        control=control.kind,
        source=text.kind,
        text_key=text.attributes.get("textkey") or "text",
        dynamic=dynamic,
        several=several,
        options=distinct if several and not dynamic else (),
        offers=control.attributes.get("value", "") if dynamic else "",
        offered_everywhere=distinct if dynamic else (),
        blank=several and not control.conditions and not control.is_on("required"),
        encoding=_encoding(text),
    )


def _fixed(control: Tag) -> list[tuple[str, str]]:
    """Its choices without those whose text, which annotations hold, is another in each task."""
    return [(value, alias) for value, alias in control.choices if alias or not names_a_field(value)]


def _too_few(control: Tag) -> str:
    named = next((value for value, alias in control.choices if not alias and names_a_field(value)), None)
    if named is not None:
        return f'{control} has the choice "{shortened(named)}", another text in each task. Give it an alias.'
    if "apiurl" in control.attributes:
        return f"{control} has an apiUrl, from where nothing is read. Write its choices into the config."
    return f"{control} has fewer than two choices: nothing to tell apart. Add one."


def _takes_several(control: Tag) -> bool:
    """A <Taxonomy> takes as many as one likes unless told otherwise, <Choices> only one."""
    if control.kind == "Taxonomy":
        return control.attributes.get("maxusages") != "1"
    return control.attributes.get("choice") == "multiple"


def _encoding(text: Tag) -> str:
    encoding = text.attributes.get("encoding", "none")
    return encoding if encoding in ENCODINGS and text.kind != "Paragraphs" else "none"


class _Results:
    """Conditions by the choices as annotations hold them: the config may name them by their values. Each is
    looked at once: all that stands in a tag shares its conditions."""

    def __init__(self, tags: Tags):
        self._controls = {tag.name: dict(tag.choices) for tag in tags.controls}
        self._made: dict[int, Condition] = {}

    def __call__(self, condition: Condition) -> Condition:
        if id(condition) not in self._made:
            alias_of = self._controls.get(condition.tag, {})
            choices = tuple(alias_of.get(each) or each for each in condition.choices)
            self._made[id(condition)] = replace(condition, choices=choices)
        return self._made[id(condition)]


def _refuse_what_is_not_of_the_text(control: Tag, text: Tag) -> None:
    """Raises LabelConfigError where the choice is no class of a text that stands in the task."""
    for attribute in ("perRegion", "perItem", "labeling"):
        if control.is_on(attribute):
            raise LabelConfigError(
                f"{control} has {attribute}: it labels parts of a text, whole texts are learned. "
                f"Remove {attribute}."
            )
    if control.is_on("allowNested"):
        raise LabelConfigError(
            f"{control} has allowNested; one level of choices is learned. Remove allowNested."
        )
    if text.attributes.get("valuetype") == "url":
        raise LabelConfigError(
            f'{text} has valueType="url": tasks hold the address of a text, not the text. '
            "Import the texts themselves, and remove valueType."
        )
