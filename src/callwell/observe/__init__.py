# SPDX-License-Identifier: Apache-2.0
"""What a program may see of its calls. Secrets are removed here."""
