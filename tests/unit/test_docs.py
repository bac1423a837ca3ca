import re
from pathlib import Path

from backend.sampling import names
from backend.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_readme_lists_every_setting_with_its_default_and_every_strategy() -> None:
    for name, field in Settings.model_fields.items():
        default = "–" if field.default is None else f"`{field.default}`"
        assert f"| `{name.upper()}` | {default} | {field.description} |" in README
    for strategy in names():
        assert f"`{strategy}`" in README


def test_every_promise_names_tests_that_exist() -> None:
    tests = Path(__file__).parents[1]
    promises = (tests.parent / "docs" / "reliability.md").read_text()
    named = re.findall(r"`((?:unit|service|e2e)/\w+\.py)::(\w+)`", promises)
    assert len(named) > 20
    for file, test in named:
        assert f"def {test}(" in (tests / file).read_text(), f"{file}::{test}"
