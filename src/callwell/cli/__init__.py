# SPDX-License-Identifier: Apache-2.0
"""The command line: one file per command, loaded when it is called. Commands call the library and print."""
