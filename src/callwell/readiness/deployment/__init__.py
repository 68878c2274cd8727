# SPDX-License-Identifier: Apache-2.0
"""What a project's files say about how it runs: its variables, its commands, and how many of them run at once.

Compose files, manifests, CI files, unit files, Procfiles, Dockerfiles and files of variables differ in their form, not
in what they say. `lines` and `trees` read all of them into `facts`, by form and not by tool.
"""
