# SPDX-License-Identifier: Apache-2.0
"""Where keys are kept, who may read them, how old they are, and whether they can be rotated."""
