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
