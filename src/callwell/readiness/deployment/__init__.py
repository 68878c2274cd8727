# SPDX-License-Identifier: Apache-2.0
"""What a project's files say about how it runs: variables, commands, and numbers of processes.

Compose files, manifests, CI files, unit files, Procfiles, Dockerfiles and files of variables differ in their form, not
in what they say. `lines` and `trees` read all of them into `facts`, by form and not by tool.
"""
