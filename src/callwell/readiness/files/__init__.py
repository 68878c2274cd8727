# SPDX-License-Identifier: Apache-2.0
"""The files of a project: what its authors wrote, and what a build of it would ship."""

from callwell.readiness.files.project_files import ProjectFile, ProjectFiles

__all__ = ["ProjectFile", "ProjectFiles"]
