# SPDX-License-Identifier: Apache-2.0
"""Search by shape: keys of known shapes, whoever they belong to, found by kingfisher with its rules and ours.

`rules` writes our rules, `kingfisher` runs the program, `hits` reads its report, and `scan` looks at a project with it,
in the background.
"""
