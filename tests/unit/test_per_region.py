"""What is asked of each region beside something that is learned: named as ignored, and out of the way."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controls.config import parse_label_config
from backend.controls.unlearned import not_learned
from backend.errors import LabelConfigError
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop, label_of, texts

ALL = (
    '<Choices name="of" toName="text" perRegion="true"><Choice value="good"/><Choice value="bad"/></Choices>',
    '<Rating name="of" toName="text" perRegion="true"/>',
    '<Number name="of" toName="text" perRegion="true"/>',
    '<TextArea name="of" toName="text" perRegion="true"/>',
    '<Taxonomy name="of" toName="text" perRegion="true"><Choice value="a"/><Choice value="b"/></Taxonomy>',
)
LABELS = '<Labels name="part" toName="text"><Label value="PER"/></Labels>'
WHOLE = '<Choices name="label" toName="text"><Choice value="disaster"/><Choice value="other"/></Choices>'


def config(*controls: str) -> str:
    return f'<View><Text name="text" value="$text"/>{"".join(controls)}</View>'


@pytest.mark.parametrize("asked", ALL)
def test_it_is_refused_alone_and_named_beside_what_is_learned(asked: str) -> None:
    with pytest.raises(LabelConfigError, match=r"has perRegion.*Remove perRegion"):
        parse_label_config(config(asked))
    of_regions = asked.startswith(("<Choices", "<Rating"))  # learned beside what marks regions
    for learned in (WHOLE, *(() if of_regions else (LABELS,))):
        xml = config(asked, learned)
        scheme = parse_label_config(xml)
        assert [control.from_name for control in scheme.controls] == [scheme.main.from_name]
        assert scheme.main.from_name in ("label", "part")
        (line,) = not_learned(xml)
        assert line.endswith("nothing is learned or predicted, and they disturb nothing that is")
        assert "Remove" not in line


def test_its_answers_teach_nothing_and_are_no_unknown_ones(loop: Loop) -> None:
    """They lie in the annotations with the ids of regions."""
    xml = config(ALL[0], WHOLE)
    project = loop.fake.create(texts(24), label_config=xml)
    span = {"start": 0, "end": 4, "text": "abcd"}
    for task in list(project.tasks)[:12]:
        of_part: dict[str, Any] = {
            **choice("bad", "of", "text"),
            "id": "r1",
            "value": {**span, "choices": ["bad"]},
        }
        right = label_of(project.tasks[task]["data"]["text"])
        loop.fake.annotate(project.id, task, [of_part, choice(right)])
    loop.set(show_guess_from=0)
    done = loop.retrain(project)
    assert done["labels"] == {"disaster": 6, "other": 6}
    assert not any("does not know" in note for note in done["notes"])
    named = {region["from_name"] for each in project.predictions for region in each["result"]}
    assert named == {"label"}
