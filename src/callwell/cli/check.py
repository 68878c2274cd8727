# SPDX-License-Identifier: Apache-2.0
"""`callwell check`: run the go-live list of the providers on a project."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperCommand

from callwell import folders
from callwell.cli import output
from callwell.errors import FileProblem, InvalidOption, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from callwell.readiness.check import Check
    from callwell.readiness.project import Project
    from callwell.readiness.report import CheckReport

EXAMPLES = """\
\b
Examples:
  callwell check                                    the project in this folder
  callwell check --staged --only leaks              before a commit
  callwell check app/ --sarif check.sarif --html check.html
  callwell check --accept 3f2a9c0d1b2e --reason "a sample, revoked" --until 2027-01-31

\b
Exit codes:
  0   every check that applies has passed
  1   there are findings
  2   a check is incomplete, or the command cannot run
"""

DESCRIPTION: Final = "life.description"

STDOUT: Final = "-"
FORMATS: Final = ("--json", "--sarif", "--junit", "--html")
"""Options with a file, or none for standard output."""


class FormatsCommand(TyperCommand):
    """A command with options that may be given without a value, which typer itself does not know."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, after adding `-` for standard output where a file is missing."""
        return super().parse_args(ctx, list(_name_stdout(args)))


def _name_stdout(arguments: Sequence[str]) -> Iterator[str]:
    """Add `-` after each format that no file follows. A folder is never a file to write."""
    for position, argument in enumerate(arguments):
        yield argument
        following = arguments[position + 1] if position + 1 < len(arguments) else None
        if argument not in FORMATS:
            continue
        if following is None or (following.startswith("-") and following != STDOUT) or Path(following).is_dir():
            yield STDOUT


def _format(name: str, what: str) -> Any:
    return typer.Option(f"--{name}", metavar="[FILE]", help=f"{what} Without FILE: on standard output.")


PathArgument = Annotated[Path, typer.Argument(metavar="PATH", help="The project's folder.", show_default=False)]
ProviderOption = Annotated[
    list[str] | None,
    typer.Option("--provider", metavar="NAME", help="Only this provider. Repeatable. Default: all in use."),
]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", metavar="ID", help="Only this check or group. Repeatable.")
]
SkipOption = Annotated[
    list[str] | None, typer.Option("--skip", metavar="ID", help="All but this check or group. Repeatable.")
]
StagedOption = Annotated[bool, typer.Option("--staged", help="Only the changes that git has staged.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="REV", help="Check only the part of the history after this commit.")
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Send nothing to a provider.")]
RunOption = Annotated[
    str,
    typer.Option(
        "--run",
        metavar="COMMAND",
        help="Your program, for the drills. Default: a generated workload.",
        show_default=False,
    ),
]
SamplesOption = Annotated[
    Path | None, typer.Option("--samples", metavar="DIR", help="Recordings to check, as your users send them.")
]
KnownKeysOption = Annotated[
    Path | None,
    typer.Option("--known-keys", metavar="FILE", help="Keys of other machines, by `callwell keys digests`."),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="FILE", help="Accepted findings. Default: .callwell-baseline.toml in PATH."),
]
AcceptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--accept", metavar="ID", help="Accept this finding, or all of this check: add it to the baseline. Repeatable."
    ),
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for --accept.", show_default=False)]
UntilOption = Annotated[
    str, typer.Option("--until", metavar="DATE", help="The last day, for --accept.", show_default=False)
]

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(cls=FormatsCommand, epilog=EXAMPLES)
def check(
    path: PathArgument = Path(),
    *,
    provider: ProviderOption = None,
    staged: StagedOption = False,
    since: SinceOption = None,
    only: OnlyOption = None,
    skip: SkipOption = None,
    offline: OfflineOption = False,
    run: RunOption = "",
    samples: SamplesOption = None,
    known_keys: KnownKeysOption = None,
    baseline: BaselineOption = None,
    accept: AcceptOption = None,
    reason: ReasonOption = "",
    until: UntilOption = "",
    as_json: Annotated[str | None, _format("json", "Write JSON.")] = None,
    sarif: Annotated[str | None, _format("sarif", "Write SARIF 2.1.0.")] = None,
    junit: Annotated[str | None, _format("junit", "Write JUnit's XML.")] = None,
    html: Annotated[str | None, _format("html", "Write a page to read and print.")] = None,
    list_checks: Annotated[bool, typer.Option("--list", help="List the checks and run none.")] = False,
) -> None:
    """Check a project before it goes live: leaks, keys, code, configuration and drills.

    The settings are those of the nearest callwell.toml and of the environment. Of a key, only the
    fingerprint is printed.
    """
    from callwell.cli import check_accounts, check_baseline
    from callwell.readiness.project import Scope

    checks = _select(only or (), skip or (), offline=offline and not list_checks)
    if list_checks:
        _print_checks(checks)
        return
    targets = _targets({"json": as_json, "sarif": sarif, "junit": junit, "html": html})
    changes = check_baseline.read_changes(accept or (), reason, until)
    scope = Scope(
        staged=staged,
        since=since,
        offline=offline,
        command=split_command(run),
        samples=_existing_folder(samples, "--samples"),
        known_keys=known_keys,
    )
    project = check_accounts.open_project(path, scope, provider or ())
    checks = _add_description_check(project, checks)
    accepted = check_baseline.open_baseline(project.root, baseline, changes)
    report = _run_checks(project, checks)
    report = check_baseline.apply_baseline(report, project, accepted, changes)
    _write(report, targets)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _select(only: Sequence[str], skip: Sequence[str], *, offline: bool) -> Sequence[Check]:
    """The checks to run.

    Raises:
        UnknownName: there is no such check or group.
        UsageError: no check would run, which must not count as a pass.
    """
    from callwell.readiness import registry

    checks = tuple(registry.select(only, skip))
    if not checks:
        raise UsageError("no check is left to run: --skip leaves out all that --only names")
    if offline and all(check.online for check in checks):
        raise UsageError("no check is left to run: all of them send requests, and --offline was given")
    return checks


def _add_description_check(project: Project, checks: Sequence[Check]) -> Sequence[Check]:
    """Add the check of descriptions if one cannot be loaded, since otherwise nothing would report it."""
    from callwell.readiness import registry

    if not project.failed_descriptions or any(check.id == DESCRIPTION for check in checks):
        return checks
    return (*checks, registry.load(DESCRIPTION))


def _run_checks(project: Project, checks: Sequence[Check]) -> CheckReport:
    from callwell.cli.flags import clock
    from callwell.cli.progress import Bar, ProgressDisplay, ProgressView
    from callwell.readiness.run import run_checks

    begun: list[Check] = []
    _announce_compiling(checks)

    def view() -> ProgressView:
        figures = f"{len(begun)}/{len(checks)}"
        bar = Bar(name="check", done=len(begun), total=len(checks), details=begun[-1].id, figures=figures)
        return ProgressView(bars=(bar,), line=f"check {figures}: {begun[-1].id}")

    with ProgressDisplay(clock()) as display:

        def begin(check: Check) -> None:
            begun.append(check)
            display.update(view, dict)

        return run_checks(project, checks, begin)


def _announce_compiling(checks: Sequence[Check]) -> None:
    """Tell a person why the first run of the checks by shape is slow."""
    from callwell.readiness.shapes.kingfisher import compiled_rules

    if sys.stderr.isatty() and any(".shapes" in check.id for check in checks) and not compiled_rules().is_dir():
        output.say("callwell: the first run compiles the rules of kingfisher, which takes about ten seconds")


def _print_checks(checks: Sequence[Check]) -> None:
    rows = [(check.id, check.title, check.severity, "yes" if check.online else "no") for check in checks]
    output.emit_table(("check", "what holds when it passes", "severity", "sends requests"), rows)


def _targets(values: dict[str, str | None]) -> dict[str, str]:
    """The files to write by format; `-` is standard output.

    Raises:
        UsageError: two formats would be mixed on standard output.
    """
    targets = {name: value for name, value in values.items() if value is not None}
    printed = [f"--{name}" for name, value in targets.items() if value == STDOUT]
    if len(printed) > 1:
        raise UsageError(f"{' and '.join(printed)} cannot both be on standard output; name a file for one of them")
    return targets


def split_command(command: str) -> tuple[str, ...]:
    """The words of a command line.

    Args:
        command: the value of `--run`.

    Raises:
        InvalidOption: a quote is open.
    """
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise InvalidOption("--run", command, f"a command as a shell reads it ({error})") from error


def _existing_folder(folder: Path | None, option: str) -> Path | None:
    if folder is not None and not folder.is_dir():
        raise InvalidOption(option, str(folder), "a folder that exists")
    return folder


def _write(report: CheckReport, targets: dict[str, str]) -> None:
    for name, target in targets.items():
        text = RENDERERS[name](report)
        if target == STDOUT:
            output.emit_data(text)
            continue
        try:
            folders.write(Path(target).absolute(), [text.encode("utf-8", "replace")])
        except OSError as error:
            raise FileProblem(f"{target} cannot be written: {error.strerror}") from error
    if STDOUT not in targets.values():
        from callwell.cli.check_terminal import render_report

        text = render_report(report, width=output.width(), color=output.wants_color())
        sys.stdout.write(text)


def _render_json(report: CheckReport) -> str:
    from callwell.readiness.formats.as_json import to_document

    return f"{json.dumps(to_document(report))}\n"


def _render_sarif(report: CheckReport) -> str:
    from callwell.readiness.formats.sarif import to_sarif

    return f"{json.dumps(to_sarif(report))}\n"


def _render_junit(report: CheckReport) -> str:
    from callwell.readiness.formats.junit import render_junit

    return render_junit(report)


def _render_html(report: CheckReport) -> str:
    from callwell.readiness.formats.page import render_page

    return render_page(report)


RENDERERS: Final[dict[str, Callable[[CheckReport], str]]] = {
    "json": _render_json,
    "sarif": _render_sarif,
    "junit": _render_junit,
    "html": _render_html,
}
"""By format."""
