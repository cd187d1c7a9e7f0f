"""Celery, in a queue of this run alone, on which nobody works."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery
from django.conf import settings

PATIENCE = 2  # s


@contextmanager
def answering() -> Iterator[bool]:
    """Tell whether jobs can be sent; on leaving, throw them away."""
    redis = settings.CACHES["redis"]
    name = f"{redis['KEY_PREFIX']}-celery"
    broker = os.environ.get("RESPONSIVE_IMG_BENCHMARK_BROKER", redis["LOCATION"])
    app = Celery("benchmarks", broker=broker, set_as_current=True)
    app.conf.update(task_default_queue=name, broker_connection_timeout=PATIENCE)
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=PATIENCE)
    except Exception:  # noqa: BLE001 - no client installed, nobody listens, another protocol
        yield False
        return
    try:
        yield True
    finally:
        with app.connection_for_write() as connection:
            connection.default_channel.queue_delete(name)
        app.close()
