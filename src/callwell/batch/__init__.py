# SPDX-License-Identifier: Apache-2.0
"""Many files to a provider: each once, several at once, resumed by the same batch."""

from callwell.batch.report import Progress, Report, Sent
from callwell.batch.run import Batch, Planned

__all__ = ["Batch", "Planned", "Progress", "Report", "Sent"]
