# SPDX-License-Identifier: Apache-2.0
"""How fast Callwell is, measured side by side with what people use otherwise: `python -m bench NAME`."""
