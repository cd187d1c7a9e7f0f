from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responsive_img.jobs import BuildJob
from templatetags_tests.strategies import names, texts

jobs = st.builds(
    BuildJob,
    storage=texts,
    name=names,
    field=texts,
    version=texts,
    specs=st.lists(texts, max_size=3).map(tuple),
)


@given(jobs)
def test_job_survives_any_queue_that_carries_json(job):
    assert BuildJob.from_dict(json.loads(json.dumps(job.as_dict()))) == job


def test_job_is_whole_in_itself():
    job = BuildJob(storage="default", name="a.jpg", field="app.Photo.image", version="v", specs=("w4", "h3"))

    assert job.as_dict() == {
        "storage": "default",
        "name": "a.jpg",
        "field": "app.Photo.image",
        "version": "v",
        "specs": ["w4", "h3"],
    }


def test_job_of_an_older_release_lacks_what_has_a_default():
    job = BuildJob.from_dict({"storage": "default", "name": "a.jpg"})

    assert job == BuildJob(storage="default", name="a.jpg")


def test_job_of_a_newer_release_is_read_without_what_is_new():
    job = BuildJob.from_dict({"storage": "default", "name": "a.jpg", "specs": [], "urgency": 3})

    assert job == BuildJob(storage="default", name="a.jpg")


@pytest.mark.parametrize("lacking", ["storage", "name"])
def test_job_without_a_source_is_none(lacking):
    values = {"storage": "default", "name": "a.jpg"}
    del values[lacking]

    with pytest.raises(KeyError, match=lacking):
        BuildJob.from_dict(values)


def test_job_is_frozen_and_hashable():
    job = BuildJob(storage="default", name="a.jpg", specs=("w4",))

    assert len({job, BuildJob(storage="default", name="a.jpg", specs=("w4",))}) == 1
    with pytest.raises(FrozenInstanceError):
        job.name = "b.jpg"  # type: ignore[misc] # the test
