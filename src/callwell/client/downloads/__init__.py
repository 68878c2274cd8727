# SPDX-License-Identifier: Apache-2.0
"""Files behind signed URLs: asked for, fetched, resumed and saved whole."""
