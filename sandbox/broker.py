"""Celery, as its documentation sets it up for Django; `celery -A sandbox.broker worker` is its worker."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sandbox.settings")

app = Celery("sandbox")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()  # finds responsive_img.tasks
