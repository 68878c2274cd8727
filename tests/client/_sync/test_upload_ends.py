# SPDX-License-Identifier: Apache-2.0
# Generated from tests/client/_async/test_upload_ends.py by tools/unasync.py; do not edit
"""What is left of an upload that has failed: its error, and nothing else."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from callwell import errors
from tests.client._sync.test_upload import sent
from tests.client.vault import Vault
from tests.client.world import make_error_response


def test_an_error_that_is_kept_keeps_nothing_alive() -> None:
    """Whoever keeps an error in the object that the upload reports to is freed with it, file and all."""

    class Job:
        """Reports its progress, and remembers how it ended."""

        error: Any = None

        def reported(self, _count: int) -> None:
            """So much is there."""

    def failed() -> weakref.ref[Job]:
        job = Job()
        job.error = sent(Vault({("send", 1): make_error_response(400, "NO")}), pieces=1, progress=job.reported)
        assert isinstance(job.error, errors.UploadStopped)
        return weakref.ref(job)

    left = failed()
    gc.collect()
    assert left() is None
