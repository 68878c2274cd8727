# SPDX-License-Identifier: Apache-2.0
"""Search by shape: strings shaped like keys of any service, found by kingfisher with its rules and ours.

`rules` writes our rules, `kingfisher` runs the program, `hits` reads its report, and `scan` scans a project with it, in
the background.
"""
