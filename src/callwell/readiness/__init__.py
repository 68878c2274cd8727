# SPDX-License-Identifier: Apache-2.0
"""Runs the checks of the providers' go-live checklists: `callwell check`.

Each check has a file in `checks/`, by group. A check examines a `Project` and yields findings; `run` runs the checks
and makes a `CheckReport`; the modules of `formats/` render a report.
"""
