# SPDX-License-Identifier: Apache-2.0
"""The files of a project: those that git tracks, and those that a build would ship."""

from callwell.readiness.files.project_files import ProjectFile, ProjectFiles

__all__ = ["ProjectFile", "ProjectFiles"]
