# SPDX-License-Identifier: Apache-2.0
"""Results become files and the table of `README.md`, next to the goals of the figures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bench.rounds import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.rounds import Sample

FOLDER: Final = ROOT / "bench" / "results"
README: Final = ROOT / "bench" / "README.md"
MARK: Final = "<!-- made by `python -m bench NAME --write` -->\n"


class Wanted(NamedTuple):
    """The goal of a figure.

    Attributes:
        figure: its name.
        at_least: the smallest good value.
        at_most: the largest good value.
        words: what it measures.
    """

    figure: str
    at_least: float | None
    at_most: float | None
    words: str

    def goal(self) -> str:
        """The good values, in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "" if self.at_most is None else f"at most {self.at_most:g}"

    def reached(self, value: float) -> str:
        """Whether a value is good: yes, no, or nothing for a figure without a goal."""
        if self.at_least is None and self.at_most is None:
            return ""
        good = value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0)
        return "yes" if good else "no"


WANTED: Final[dict[str, tuple[Wanted, ...]]] = {
    "overhead": (
        Wanted("async_vs_stack", 20, None, "calls per CPU second, over httpx + tenacity + aiolimiter, all on uvloop"),
        Wanted("async_vs_bare", None, 2.2, "CPU per call, over the bare transport, on uvloop"),
        Wanted("async_vs_bare_asyncio", None, 1.6, "the same on asyncio's own loop"),
        Wanted("sync_vs_stack", 2.5, None, "calls per CPU second, over httpx + tenacity + pyrate-limiter"),
        Wanted("sync_vs_bare", None, 1.6, "CPU per call, over the bare transport"),
    ),
    "pages": (
        Wanted("vs_sequential", 6, None, "pages per second, over page after page"),
        Wanted("vs_sequential_bare", None, None, "the same, over the bare transport in a plain loop"),
    ),
    "prepare": (
        Wanted(
            "prepare_vs_subprocess", 5, None, "recordings per second, over ffmpeg as a process for each, on all cores"
        ),
        Wanted("prepare_vs_subprocess_cpu", None, None, "recordings per CPU second, likewise"),
        Wanted("threads_vs_one", None, None, "recordings per second in a thread for each core, over one thread"),
        Wanted("bytes_share", None, 0.23, "bytes on the wire, base64 included, over those of the files"),
    ),
    "upload": (
        Wanted("vs_official", 1.5, None, "bytes per second, over the official Python client with the same pieces"),
        Wanted("vs_curl", 0.8, None, "bytes per second, over curl, which sends the same pieces one after the other"),
        Wanted("cpu_vs_official", None, 0.33, "CPU per byte, over the official client's"),
        Wanted("peak_vs_official", None, 0.33, "most memory held, over the official client's, whole processes"),
        Wanted("added_vs_official", None, None, "the same, without what each holds before it sends the file"),
        Wanted("plan_30gib_s", None, 1.0, "seconds until the first request for a sparse file of 30 GiB, looked into"),
        Wanted("resent_bytes", None, 5 << 20, "bytes that came twice after a kill, as the emulator counts them"),
    ),
    "assess": (
        Wanted("capacity_used", 0.9, None, "assessments a second in the steady state, over those that fit"),
        Wanted("refused_share", None, 0.01, "requests that were refused as too many, the search for the pace included"),
        Wanted("prepare_vs_subprocess", 5, None, "as under prepare"),
        Wanted("bytes_share", None, 0.23, "as under prepare"),
        Wanted("vs_threads", None, None, "recordings per second, over 50 threads with ffmpeg, httpx and tenacity"),
        Wanted("vs_loop", None, None, "the same, over one after the other"),
    ),
    "startup": (
        Wanted("import_vs_httpx", None, 1.0, "`import callwell` over `import httpx`, whole processes"),
        Wanted("import_vs_httpx_net", None, None, "the same, without what Python itself takes"),
        Wanted("client_vs_httpx", None, 1.0, "a first `Client('userplane')` over `import httpx`, whole processes"),
        Wanted("answer_vs_httpx", None, 1.0, "a first client and its first answer over the same with httpx, likewise"),
        Wanted("help_vs_pip", None, 1.5, "`callwell --help` over `pip --version`"),
    ),
    "describe": (
        Wanted("load_github_s", None, 3, "seconds for a first client of GitHub's document, nothing kept of it"),
        Wanted("warm_client_ms", None, 100, "milliseconds for the first client of the next process"),
        Wanted("generate_github_s", None, None, "seconds of `callwell generate`, whole process"),
        Wanted(
            "vs_openapi_python_client",
            10,
            None,
            "seconds that openapi-python-client takes for it, with its formatter as documented, over ours",
        ),
        Wanted("vs_unformatted", None, None, "the same without its formatter, which leaves code unformatted"),
        Wanted(
            "load_vs_aiopenapi3",
            None,
            None,
            "seconds that aiopenapi3 takes to load a document that it accepts, likewise",
        ),
        Wanted("import_vs_httpx", None, 1.2, "importing the generated package, over `import httpx`, whole processes"),
        Wanted("peak_mib", None, None, "MiB of memory that generating takes at most"),
        Wanted("callable_share", 0.98, None, "operations that are methods, of all; in the range: of each document"),
        Wanted("paged_share", 0.85, None, "lists that `callwell init` finds the paging of, likewise"),
    ),
    "leaks": (
        Wanted("recall_exact", 1, None, "keys in use that are found, of those ever committed, in each file and form"),
        Wanted("precision_exact", 1, None, "keys in use among what is reported as one"),
        Wanted("f1_shapes", None, None, "of the search by shape, for 500 keys among 5,000 look-alikes"),
        Wanted("f1_betterleaks", None, None, "of betterleaks with its default rules"),
        Wanted("f1_kingfisher", None, None, "of kingfisher with its default rules"),
        Wanted("f1_vs_better", 1, None, "`f1_shapes` over the better of the two"),
        Wanted("time_vs_kingfisher", None, 1.3, "all checks for leaks over kingfisher alone, whole processes"),
        Wanted("cpu_vs_kingfisher", None, None, "the same in CPU time"),
        Wanted("check_s", None, 3, "seconds of `callwell check` without drills, for 2,000 files without a history"),
    ),
    "fleet": (
        Wanted("over_window", None, 0, "calls above the quota in the fullest window, processes and store failing, too"),
        Wanted("quota_used", 0.98, None, "of the quota in the steady state, by eight processes of uneven demand"),
        Wanted("take_vs_best_peer", 10, None, "permits a second that a process takes, over the best peer's"),
        Wanted("store_ops_per_call", None, 0.05, "changes and readings of records, at 100 calls a second a process"),
        Wanted("sqlite_vs_memory", 0.9, None, "calls per CPU second on SQLite, over those on `memory:`"),
        Wanted("rotation_seen_s", None, 1, "seconds until the last of four processes has used a new key"),
        Wanted("failed_calls", None, 0, "calls that failed while the old key died as the new one was written"),
    ),
    "chaos": (
        Wanted("over_window", None, 0, "calls above the quota in the fullest window, at either server"),
        Wanted("permits_lost", None, 0, "permits that are not free long after the end, or of which there are too many"),
        Wanted("duplicated", None, 0, "links that the emulator has more than once"),
        Wanted("missing", None, 0, "links that a process was told to be made, and that are not there"),
        Wanted("quota_used", None, None, "of the quota, all troubles included"),
    ),
    "simulate": (
        Wanted("utilisation", 0.98, None, "calls that arrived over those that the quota allows"),
        Wanted("over_window", None, 0, "calls above the quota in the fullest window, wherever it begins"),
        Wanted("slowest_share", None, None, "of what each process that wants everything should get: the least of them"),
        Wanted(
            "small_served", None, None, "calls that were sent, of those asked for: the least of the other processes"
        ),
        Wanted("store_ops_per_call", None, None, "changes of the record in the store, by the whole fleet"),
        Wanted("utilisation_faulty", None, None, "the same while processes die and pause, stores and clocks fail"),
        Wanted("over_window_faulty", None, 0, "likewise"),
        Wanted("slowest_share_faulty", None, None, "likewise"),
        Wanted("small_served_faulty", None, None, "likewise"),
        Wanted("store_ops_per_call_faulty", None, None, "likewise"),
    ),
}

PROOFS: Final = ("chaos",)
"""Runs that fail if a goal is missed."""


def missed(name: str, result: Sample) -> bool:
    """Whether a figure missed its goal."""
    return any(wanted.reached(result[wanted.figure]) == "no" for wanted in WANTED[name])


def write(name: str, result: Sample) -> None:
    """Write a result, and update the table.

    Args:
        name: of the benchmark.
        result: what it gave.
    """
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    text = README.read_text(encoding="utf-8").partition(MARK)[0]
    README.write_text(text + MARK + "\n".join(["", *_parts()]) + "\n", encoding="utf-8")


def table(name: str, result: Sample) -> Iterator[str]:
    """A result as a table in Markdown.

    Args:
        name: of the benchmark.
        result: what it gave.
    """
    yield "| figure | is | rounds | should be | reached | what it is |"
    yield "| --- | --: | --- | --- | --- | --- |"
    for wanted in (goal for goal in WANTED[name] if goal.figure in result):
        value = result[wanted.figure]
        low, high = result["spread"][wanted.figure]
        cells = f"{value:.2f} | {low:.2f} – {high:.2f} | {wanted.goal()} | {wanted.reached(value)} | {wanted.words}"
        yield f"| `{wanted.figure}` | {cells} |"


def _parts() -> Iterator[str]:
    for name in WANTED:
        file = FOLDER / f"{name}.json"
        if file.exists():
            result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            yield from (f"## {name}", "", *table(name, result), "")
            yield from (line for line in _besides(name, result))
            yield "{cpu}, {cores} cores · {python} · {os}".format(**result["machine"])
            yield ""


def _besides(name: str, result: Sample) -> Iterator[str]:
    if name == "overhead":
        cost = ", ".join(f"{variant} {value:g}" for variant, value in result["cpu_us_per_call"].items())
        yield from (f"Microseconds of CPU per call: {cost}.", "")
    elif name == "pages":
        peak = ", ".join(f"{value:g} MiB for {pages} pages" for pages, value in result["peak_mib"].items())
        order = "in order" if result["in_order"] else "NOT in order"
        asked = f"At depth {result['depth']} (wanted: {result['depth_wanted']}), {order}"
        yield from (f"{asked}. Most memory held: {peak}; it should not depend on the number.", "")
    elif name == "prepare":
        spent = ", ".join(f"{variant} {value:g}" for variant, value in result["cpu_ms_per_file"].items())
        yield from (f"Milliseconds of CPU per recording: {spent}.", "")
    elif name == "upload":
        cost = ", ".join(f"{variant} {value:g}" for variant, value in result["cpu_s_per_gib"].items())
        peak = ", ".join(f"{variant} {value:g}" for variant, value in result["peak_mib"].items())
        yield from (f"Seconds of CPU per GiB: {cost}. Most memory held, MiB: {peak}.", "")
    elif name == "assess":
        spent = ", ".join(f"{variant} {value:g}" for variant, value in result["seconds"].items())
        refused = ", ".join(f"{variant} {value:.1%}" for variant, value in result["refused"].items())
        yield from (f"Seconds for 2,000 recordings (of 100, scaled, but for callwell): {spent}.", "")
        yield from (f"Refused: {refused}. Callwell kept {result['cpu_share']:g} of a core busy.", "")
    elif name == "leaks":
        scores = (
            f"{tool} {score['precision']:.3f} and {score['recall']:.3f}" for tool, score in result["scores"].items()
        )
        spent = ", ".join(f"{variant} {value:g}" for variant, value in result["real_s"].items())
        yield from (f"Precision and recall by shape: {', '.join(scores)}. Seconds: {spent}.", "")
    elif name in {"fleet", "simulate", "chaos"}:
        yield from _about_fleets(name, result)
    elif name == "describe":
        spent = ", ".join(f"{variant} {value:g}" for variant, value in result["real_s"].items())
        yield from (f"Seconds of whole processes: {spent}.", "")
        times = [document["times_ours"] for document in result["documents"].values()]
        accepted = ", ".join(f"{tool} {sum(ratios[tool] is not None for ratios in times)}" for tool in times[0])
        yield from (f"Callwell accepts all {len(times)} documents, {accepted}.", "")
    else:
        spent = ", ".join(f"{variant} {value:g}" for variant, value in result["real_ms"].items())
        yield from (f"Milliseconds of whole processes: {spent}.", "")


def _about_fleets(name: str, result: Sample) -> Iterator[str]:
    if name == "simulate":
        size = "{processes} processes on {machines} machines".format(**result)
        yield from (size + ": {windows} windows, {calls} calls, {exchanges} exchanges.".format(**result), "")
        return
    if name == "chaos":
        for store, found in result["stores"].items():
            yield "{store}: {calls} calls, {killed} kills, {paused} pauses, store away for {away_s:.0f} s.".format(
                store=store, **found
            )
        yield ""
        return
    yield "| who | above the quota | quota used | small demands met | permits a second |"
    yield "| --- |" + " --: |" * 4
    for who, row in result["contenders"].items():
        cells = [row["over_window"], row["quota_used"], row["small_served"], row["takes_per_s"] or ""]
        yield f"| {who} | {' | '.join(map(str, cells))} |"
    yield ""
