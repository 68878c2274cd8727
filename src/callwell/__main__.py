# SPDX-License-Identifier: Apache-2.0
"""`python -m callwell`: the command line."""

import sys

from callwell.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
