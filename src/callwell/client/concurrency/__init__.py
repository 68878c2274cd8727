# SPDX-License-Identifier: Apache-2.0
"""What the asynchronous and the synchronous side cannot share, and concurrent workers."""
