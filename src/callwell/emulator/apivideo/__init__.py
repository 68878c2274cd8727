# SPDX-License-Identifier: Apache-2.0
"""api.video's public API, played from its documentation: two environments, each an account of its own."""
