"""Choices within choices, and paths of a taxonomy."""

from tests.unit.test_scheme import main

TREE = (
    '<Choice value="Archaea"/><Choice value="Eukarya" alias="E"><Choice value="Human" alias="h"/>'
    '<Choice value="Other"/></Choice><Choice value="$name"><Choice value="lost"/></Choice>'
)


def test_of_a_taxonomy_each_level_can_be_chosen_or_the_leaves_alone() -> None:
    every = main(f'<Taxonomy name="c" toName="t" maxUsages="1">{TREE}</Taxonomy>')
    assert every.classes == ("Archaea", "E", "E / h", "E / Other")
    leaves = main(f'<Taxonomy name="c" toName="t" maxUsages="1" leafsOnly="true">{TREE}</Taxonomy>')
    assert leaves.classes == ("Archaea", "E / h", "E / Other")
    (region,) = every.regions("E / h", 1)
    assert region["value"] == {"taxonomy": [["E", "h"]]}
    assert every.read([region]) == leaves.read([region]) == "E / h"
    for path in (["E", "gone"], ["h"], ["Other", "E"], ["E", "h", "deeper"], ["$name", "lost"], []):
        region = {"from_name": "c", "value": {"taxonomy": [path]}}
        assert every.read([region]) is None
        assert every.unknown_in(region) == [path[0] if len(path) == 1 else path]


def test_several_paths_of_a_taxonomy_are_a_set() -> None:
    control = main(f'<Taxonomy name="c" toName="t">{TREE}</Taxonomy>')
    told = {"from_name": "c", "value": {"taxonomy": [["E", "h"], ["Archaea"], ["E", "gone"]]}}
    assert control.read([told]) == '["Archaea", "E / h"]'
    assert control.regions('["Archaea", "E / h"]', 1)[0]["value"] == {"taxonomy": [["Archaea"], ["E", "h"]]}


def test_of_nested_choices_the_leaves_can_be_chosen() -> None:
    """The editor stores paths, and so do some imports; predictions go by the leaf's name."""
    control = main(f'<Choices name="c" toName="t" allowNested="true">{TREE}</Choices>')
    assert control.classes == ("Archaea", "E / h", "E / Other")
    for written in (["E", "h"], "h"):
        assert control.read([{"from_name": "c", "value": {"choices": [written]}}]) == "E / h"
    assert control.regions("E / h", 1)[0]["value"] == {"choices": ["h"]}
    assert control.read([{"from_name": "c", "value": {"choices": [["E"]]}}]) is None


def test_two_paths_of_the_same_words_are_one_choice() -> None:
    same = '<Choice value="a / b"/><Choice value="a"><Choice value="b"/></Choice>'
    control = main(f'<Taxonomy name="c" toName="t" maxUsages="1">{same}</Taxonomy>')
    assert control.classes == ("a / b", "a")
    assert control.regions("a / b", 1)[0]["value"] == {"taxonomy": [["a / b"]]}
