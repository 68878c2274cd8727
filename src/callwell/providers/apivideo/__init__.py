# SPDX-License-Identifier: Apache-2.0
"""api.video: videos and live streams, from upload to player."""
