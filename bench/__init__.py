# SPDX-License-Identifier: Apache-2.0
"""How fast Callwell is, measured side by side with what it is compared to: `python -m bench NAME`."""
