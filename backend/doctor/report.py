"""Findings for people and for scripts."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap

import click

from backend.doctor.finding import Finding, State
from backend.printable import printable_lines

_SIGNS = {State.OK: "✓", State.NOTE: "!", State.WRONG: "✗", State.NOT_CHECKED: "–"}
_PLAIN_SIGNS = {State.OK: "+", State.NOTE: "!", State.WRONG: "x", State.NOT_CHECKED: "-"}
_COLOURS = {State.OK: "green", State.NOTE: "yellow", State.WRONG: "red", State.NOT_CHECKED: "bright_black"}
_LABEL = 17
"""Columns of the checks' names."""


class Printer:
    """One line per check under a heading per project; what is wrong with its remedy below it."""

    def __init__(self) -> None:
        self._project: int | None = None

    def __call__(self, finding: Finding) -> None:
        if finding.project != self._project:
            self._project = finding.project
            click.secho(f"\nProject {finding.project}", bold=True)
        print_finding(finding)


def print_findings(findings: list[Finding]) -> None:
    tell = Printer()
    for finding in findings:
        tell(finding)


def print_finding(finding: Finding) -> None:
    found = f"not checked: {finding.found}" if finding.state is State.NOT_CHECKED else finding.found
    sign = (_SIGNS if _speaks_unicode() else _PLAIN_SIGNS)[finding.state]
    lines = _wrapped(found)
    click.echo(f"{click.style(sign, fg=_COLOURS[finding.state])} {finding.check:<{_LABEL}}{lines[0]}")
    for line in lines[1:]:
        click.echo(" " * (_LABEL + 2) + line)
    if finding.remedy:
        arrow = "→" if _speaks_unicode() else "->"
        for i, line in enumerate(_wrapped(finding.remedy, 3)):
            lead = f"{arrow:<3}" if i == 0 else "   "
            click.echo(" " * (_LABEL + 2) + click.style(lead + line, bold=True))


def print_verdict(findings: list[Finding]) -> None:
    wrong = sum(finding.state is State.WRONG for finding in findings)
    click.echo()
    if not wrong:
        click.secho("All is well.", fg="green")
    else:
        click.secho("1 thing is wrong." if wrong == 1 else f"{wrong} things are wrong.", fg="red")


def as_json(findings: list[Finding]) -> str:
    """{"ok": bool, "findings": [{"check", "project", "state", "found", "remedy"}]}"""
    return json.dumps(
        {
            "ok": not any(finding.state is State.WRONG for finding in findings),
            "findings": [
                {
                    "check": finding.check,
                    "project": finding.project,
                    "state": finding.state.value,
                    "found": finding.found,
                    "remedy": finding.remedy,
                }
                for finding in findings
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def _wrapped(text: str, indent: int = 0) -> list[str]:
    width = shutil.get_terminal_size((110, 24)).columns - _LABEL - 2 - indent
    shown = printable_lines(text)  # much of it comes from Label Studio, where any user may write
    return textwrap.wrap(shown, max(width, 40), break_long_words=False, break_on_hyphens=False) or [""]


def _speaks_unicode() -> bool:
    try:
        "✓✗–→".encode(sys.stdout.encoding or "ascii")
        return True
    except UnicodeEncodeError:
        return False
