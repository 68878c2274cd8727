# SPDX-License-Identifier: Apache-2.0
"""A program that uploads one file; its job is JSON on the command line."""

from __future__ import annotations

import json
import sys

from callwell import Client
from callwell.keys import Key


def main() -> None:
    """Upload, and say what came of it."""
    job = json.loads(sys.argv[1])
    with Client("apivideo", base_url=job["base_url"], key=Key(job["key"]), state=job["state"]) as client:
        once = client.with_options(exactly_once=job.get("name") or False)
        done = once.upload("videos.upload", job["file"], title="film", piece_size=5 << 20, pieces=2)
    sys.stdout.write(json.dumps({"target": done.target, "pieces": done.pieces, "resent": done.resent}))


if __name__ == "__main__":
    main()
