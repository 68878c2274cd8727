# SPDX-License-Identifier: Apache-2.0
"""The go-live list of the providers' own pages, run instead of ticked: `callwell check`.

One file for each check, in `checks/` by group. A check looks at a `Project` and yields what it found; `run` runs them
and makes a `CheckReport`; the modules of `formats/` write a report down.
"""
