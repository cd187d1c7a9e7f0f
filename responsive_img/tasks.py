"""
The tasks that workers run, under the name that Celery discovers.

Each is defined only where its package is installed; hooks reach them by dotted path.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from responsive_img.hooks import run
from responsive_img.jobs import BuildJob


def _build(*jobs: Mapping[str, Any]) -> None:
    for job in jobs:
        run(BuildJob.from_dict(job))


if find_spec("celery"):
    from celery import shared_task

    # Acknowledged late: a worker that is stopped gives the message back, and building twice builds once. One
    # that is killed leaves its picture to the next view, or to `build_img_queue`, once its lease has run out.
    build_by_celery = shared_task(_build, name="responsive_img.build", ignore_result=True, acks_late=True)

# Backends find a task again by its module and the name of its function.
if find_spec("django.tasks"):
    from django.tasks import task as django_task

    @django_task()
    def build_by_django(job: dict[str, Any]) -> None:
        """Build a job that is a dict."""
        _build(job)

elif find_spec("django_tasks"):
    from django_tasks import task as package_task

    @package_task()
    def build_by_django(job: dict[str, Any]) -> None:
        """Build a job that is a dict."""
        _build(job)
