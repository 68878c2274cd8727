# SPDX-License-Identifier: Apache-2.0
"""The rows of an assessment, and the checks that do not need a request."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from callwell.client.calls.validation import check_value, describe_schema
from callwell.errors import CallwellError, FileProblem, InvalidOption, RowFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from callwell.core.rules.assess import AssessRule
    from callwell.description.provider import Provider

TEXT = "expected_text"


class AssessmentRow(NamedTuple):
    """One recording to assess.

    Attributes:
        file: the recording.
        text: the expected text, for operations that need it.
        user: the caller's own ID of the speaker.
        accent: the expected accent; by default that of the assessment.
        operation: the operation; by default that of the assessment.
        manifest: the manifest that lists it; empty if there is none.
        number: its line in the manifest, from 1.
    """

    file: Path
    text: str | None = None
    user: str | None = None
    accent: str | None = None
    operation: str | None = None
    manifest: str = ""
    number: int = 0

    def failed(self, error: CallwellError) -> RowFailed:
        """An error that names the row."""
        return RowFailed(str(self.file), error, manifest=self.manifest, row=self.number)


class Task(NamedTuple):
    """A row that is ready to be sent.

    Attributes:
        row: the row.
        operation: the operation's full name.
        rule: the operation's rule in the profile.
        arguments: all arguments except the recording.
    """

    row: AssessmentRow
    operation: str
    rule: AssessRule
    arguments: Mapping[str, str]


class RowNeeds(NamedTuple):
    """What the operation of a row needs besides the recording, and whether the row has it.

    Attributes:
        operation: the operation's full name.
        accent: whether it needs an accent.
        has_accent: whether there is one, for the row or for all rows.
        text: whether it needs the expected text.
        has_text: whether the row has it.
    """

    operation: str
    accent: bool
    has_accent: bool
    text: bool
    has_text: bool


class AssessmentRules:
    """The assessments of a provider, and the defaults of this run.

    Args:
        provider: the provider.
        operation: the operation of rows without one: its name, or the last part of its name.
        accent: the accent of rows without one.

    Raises:
        UsageError: the provider has no assessments.
        InvalidOption: there is no such operation or accent.
    """

    def __init__(self, provider: Provider, *, operation: str | None = None, accent: str | None = None) -> None:
        self._provider = provider
        self._rules = {name: rule.assess for name, rule in provider.profile.operations.items() if rule.assess}
        if not self._rules:
            raise UsageError(f"{provider.name} has no assessments: its profile describes none")
        self._accent = accent
        self._default = next((name for name, rule in self._rules.items() if rule.default), None)
        self._default = self._find(operation)
        if accent is not None:
            self._check_accent(self._default, accent)

    def task(self, row: AssessmentRow) -> Task:
        """Check a row, and complete it.

        Raises:
            CallwellError: the row cannot be sent.
        """
        if not row.file.is_file():
            raise FileProblem(f"{row.file}: {'this is a folder' if row.file.is_dir() else 'there is no such file'}")
        operation = self._find(row.operation)
        rule = self._rules[operation]
        arguments = dict[str, str]()
        if rule.accent is not None:
            arguments[rule.accent] = self._check_accent(operation, row.accent or self._accent)
        if rule.text is not None:
            arguments[rule.text] = _check_text(operation, rule, row.text)
        return Task(row=row, operation=operation, rule=rule, arguments=arguments)

    def needs(self, row: AssessmentRow) -> RowNeeds:
        """What a row's operation needs. An unknown operation needs nothing here: its row fails later, separately."""
        try:
            operation = self._find(row.operation)
        except InvalidOption:
            return RowNeeds(str(row.operation), accent=False, has_accent=False, text=False, has_text=False)
        rule = self._rules[operation]
        return RowNeeds(
            operation,
            accent=rule.accent is not None,
            has_accent=bool(row.accent or self._accent),
            text=rule.text is not None,
            has_text=bool(row.text and row.text.strip()),
        )

    def accents(self, operation: str) -> str:
        """The accents of an operation, for display."""
        return describe_schema(self._accent_schema(operation))

    def free_speech_operation(self) -> str | None:
        """The short name of an operation that needs no text, if there is one."""
        return next((name.rpartition(".")[2] for name, rule in self._rules.items() if rule.text is None), None)

    def _find(self, name: str | None) -> str:
        """The full name of an operation; for None, the default one."""
        if name is None and self._default is not None:
            return self._default
        matches = [full for full in self._rules if name in (full, full.rpartition(".")[2])]
        if len(matches) != 1:
            raise InvalidOption("operation", name, f"one of {', '.join(self._rules)}")
        return matches[0]

    def _check_accent(self, operation: str, accent: str | None) -> str:
        rule = self._rules[operation]
        schema = self._accent_schema(operation)
        if rule.accent is None:
            raise InvalidOption("accent", accent, f"none, because {operation} takes no accent")
        if accent is None:
            raise InvalidOption("accent", accent, describe_schema(schema))
        check_value("accent", schema, accent)
        return accent

    def _accent_schema(self, operation: str) -> Mapping[str, Any]:
        parameters = self._provider.operation(operation).parameters
        schemas = {parameter.name: parameter.schema for parameter in parameters}
        return schemas.get(self._rules[operation].accent or "", {})


def _check_text(operation: str, rule: AssessRule, text: str | None) -> str:
    if text is None or not text.strip():
        raise InvalidOption(TEXT, text, f"the text that is read aloud, for {operation}")
    letters = [character for character in text if character.isalpha()]
    if not letters:
        raise InvalidOption(TEXT, text, "a text with words in it")
    wrong = next((letter for letter in letters if rule.script and _script(letter) != rule.script), None)
    if wrong is not None:
        expected = f"a text in {str(rule.script).capitalize()} letters; {wrong!r} is {_script(wrong).capitalize()}"
        raise InvalidOption(TEXT, text, expected)
    return text


def _script(letter: str) -> str:
    """The script of a letter: the first word of its Unicode name. Compatibility forms count as plain letters."""
    name = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "unknown")
    return name.replace("-", " ").partition(" ")[0].lower()
