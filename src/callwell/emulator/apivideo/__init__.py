# SPDX-License-Identifier: Apache-2.0
"""api.video's public API, emulated from its documentation: two environments, each an account of its own.

Pages are cited by their paths in api.video's documentation, such as `reference/README` or `vod/delete-a-video`.
"""
