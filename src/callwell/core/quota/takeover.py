# SPDX-License-Identifier: Apache-2.0
"""Starts a fleet's pool from the record of earlier versions of Callwell, which changed it twice per call.

That record has the monotonic times of the boot that changed it last, so store time continues from there: `store_time`
decides what other boots and clocks make of it, as for any change by a machine that is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from callwell.core.quota.lease_records import FleetRecord
from callwell.core.quota.leases import STORE
from callwell.core.quota.store_time import StoreTime

if TYPE_CHECKING:
    from callwell.core.quota.record import AccountRecord


def begin(old: AccountRecord) -> FleetRecord:
    """The record of a pool with the permits, the breaker and the retry budget of an earlier record.

    Args:
        old: the earlier record. Later changes to it are not noticed.
    """
    time = StoreTime(at=old.changed_at, boot=old.boot, monotonic=old.changed_at, wall=old.changed_at_wall)
    account = replace(old, boot=STORE if old.boot else "", changed_at_wall=old.changed_at)
    return FleetRecord(account=account, time=time)
