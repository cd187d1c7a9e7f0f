from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from responsive_img import building, records
from responsive_img.engine import PillowEngine
from responsive_img.hooks import BuildJob, run
from responsive_img.queue import process_queue
from templatetags_tests import conftest
from templatetags_tests.conftest import ONE_FILE

MARKUP = conftest.MARKUP.encode()
UNBUILT = MARKUP.replace(conftest.RENDITION.encode(), b"photos/cat.jpg")

SENT: list[str] = []


def send(jobs):
    """Stand for a broker: takes text."""
    SENT.extend(json.dumps(job.as_dict()) for job in jobs)


def refuse(jobs):
    raise ConnectionError("no broker")


@pytest.fixture
def sent(settings, transactional_db):
    """Use a hook that sends its jobs away on commit, and return what it sent."""
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"{__name__}.send"
    SENT.clear()
    return SENT


def states() -> list[str]:
    return sorted(records.picture_model().objects.values_list("state", flat=True))


def test_build_now_builds_before_the_response_ends(page, photo):
    response = page("django", ONE_FILE, {"photo": photo})

    assert response.content == MARKUP
    assert response.responsive_img_pending == 0


def test_without_a_budget_everything_is_queued_and_the_next_response_builds(page, photo, settings, log):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    template = ONE_FILE + ONE_FILE.replace("20", "10")

    first = page("django", template, {"photo": photo})
    queued = states()
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60
    second = page("django", template, {"photo": photo})

    assert first.content.count(b'src="/media/photos/cat.jpg"') == 2
    assert first.responsive_img_pending == 2
    assert queued == ["queued", "queued"]
    assert second.content.startswith(MARKUP)
    assert second.responsive_img_pending == 0
    assert states() == ["ready", "ready"]
    assert log() == []


def test_a_budget_that_runs_out_leaves_the_rest_to_the_next_response(page, make_photo, settings):
    photos = [make_photo(f"photos/{name}.jpg") for name in "abc"]
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 1e-9
    template = "{% for photo in photos %}" + ONE_FILE + "{% endfor %}"
    page("django", template, {"photos": photos})

    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60
    response = page("django", template, {"photos": photos})

    assert response.content.count(b'src="/media/renditions/photos/') == 3


def test_the_budget_is_looked_at_between_sources(page, make_photo, settings, monkeypatch):
    photos = [make_photo(f"photos/{name}.jpg") for name in "abc"]
    built = []
    build_job = building.build_job

    def slow(job, **options):
        built.append(job.name)
        if len(built) == 2:
            monkeypatch.setattr(building, "is_over_budget", lambda: True)
        build_job(job, **options)

    monkeypatch.setattr(building, "build_job", slow)

    response = page("django", "{% for photo in photos %}" + ONE_FILE + "{% endfor %}", {"photos": photos})

    assert built == ["photos/a.jpg", "photos/b.jpg"]
    assert response.responsive_img_pending == 1
    assert states() == ["queued", "ready", "ready"]
    assert records.picture_model().objects.get(state="queued").lease_until is None


def test_enqueue_leaves_rows_and_the_queue_builds_them(page, photo, settings):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"

    first = page("django", ONE_FILE, {"photo": photo})
    count = process_queue()
    second = page("django", ONE_FILE, {"photo": photo})

    assert first.content == UNBUILT
    assert first.responsive_img_pending == 1
    assert count == 1
    assert second.content == MARKUP


def test_a_deferring_hook_costs_one_storage_call_per_new_source(page, photo, settings, storage_calls):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"

    page("django", ONE_FILE + ONE_FILE.replace("20", "10"), {"photo": photo})
    first = dict(storage_calls)
    page("django", ONE_FILE.replace("20", "30"), {"photo": photo})

    assert first == {"open": 1}
    assert storage_calls == first


def test_a_hook_gets_one_job_per_source_that_json_can_carry(page, make_photo, sent):
    photos = [make_photo(f"photos/{name}.jpg") for name in "ab"]
    template = "{% for photo in photos %}" + ONE_FILE + ONE_FILE.replace("20", "10") + "{% endfor %}"

    page("jinja2", template, {"photos": photos})

    messages = [json.loads(text) for text in sent]
    assert [message["name"] for message in messages] == ["photos/a.jpg", "photos/b.jpg"]
    assert [list(message) for message in messages] == [["storage", "name", "field", "version", "specs"]] * 2
    assert {message["storage"] for message in messages} == {"default"}
    assert {message["field"] for message in messages} == {"templatetags_tests.Photo.image"}
    assert [len(message["specs"]) for message in messages] == [2, 2]


def test_a_job_that_went_through_a_broker_builds_the_page(page, photo, sent):
    page("django", ONE_FILE, {"photo": photo})

    job = BuildJob.from_dict(json.loads(sent[0]))
    run(job)
    run(job)

    assert page("django", ONE_FILE, {"photo": photo}).content == MARKUP


def test_asking_again_sends_nothing_twice(page, photo, sent):
    for _ in range(2):
        page("django", ONE_FILE, {"photo": photo})
        cache.clear()
        page("django", ONE_FILE, {"photo": photo})

    assert len(sent) == 1


def test_only_what_is_new_is_sent(page, photo, sent):
    page("django", ONE_FILE, {"photo": photo})

    page("django", ONE_FILE + ONE_FILE.replace("20", "10"), {"photo": photo})

    assert [len(json.loads(text)["specs"]) for text in sent] == [1, 1]
    assert json.loads(sent[0])["specs"] != json.loads(sent[1])["specs"]


def test_a_job_whose_message_was_lost_is_sent_again(page, photo, sent):
    page("django", ONE_FILE, {"photo": photo})
    records.picture_model().objects.update(lease_until=timezone.now())
    cache.clear()

    page("django", ONE_FILE, {"photo": photo})

    assert len(sent) == 2
    assert sent[0] == sent[1]


@pytest.mark.django_db(transaction=True)
def test_a_hook_that_raises_leaves_rows_queued_and_the_page_whole(page, photo, settings, log):
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"{__name__}.refuse"

    response = page("django", ONE_FILE, {"photo": photo})

    assert response.content == UNBUILT
    assert response.responsive_img_pending == 1
    assert states() == ["queued"]
    assert log() == ["The build hook raised; 1 job(s) stay queued"]
    assert process_queue() == 1
    assert page("django", ONE_FILE, {"photo": photo}).content == MARKUP


def test_a_hook_is_called_when_the_transaction_is_committed(render, photo, sent):
    with transaction.atomic():
        html = render("django", ONE_FILE, {"photo": photo})
        inside = list(sent)

    assert html.encode() == UNBUILT
    assert inside == []
    assert len(sent) == 1


def test_a_hook_is_not_called_when_the_transaction_is_rolled_back(render, photo, sent):
    with transaction.atomic():
        render("django", ONE_FILE, {"photo": photo})
        transaction.set_rollback(True)

    assert sent == []
    assert states() == []


def test_what_a_rolled_back_transaction_asked_for_is_asked_for_by_the_next_view(page, render, photo, sent):
    with transaction.atomic():
        render("django", ONE_FILE, {"photo": photo})
        transaction.set_rollback(True)

    page("django", ONE_FILE, {"photo": photo})

    assert len(sent) == 1


@pytest.mark.django_db(transaction=True)
def test_a_hook_that_raises_on_commit_does_not_reach_the_view(render, photo, settings, log):
    settings.RESPONSIVE_IMG_BUILD_HOOK = f"{__name__}.refuse"
    after = []

    with transaction.atomic():
        render("django", ONE_FILE, {"photo": photo})
        transaction.on_commit(lambda: after.append("called"))

    assert after == ["called"]
    assert states() == ["queued"]
    assert log() == ["The build hook raised; 1 job(s) stay queued"]


@pytest.mark.django_db(transaction=True)
def test_build_now_builds_inside_a_transaction(render, photo):
    with transaction.atomic():
        html = render("django", ONE_FILE, {"photo": photo})

    assert html.encode() == MARKUP
    assert states() == ["ready"]


def test_a_header_that_cannot_be_read_is_left_to_the_build(page, photo, sent, log):
    with default_storage.open("photos/cat.jpg", "wb") as file:
        file.write(b"no picture")

    response = page("django", ONE_FILE, {"photo": photo})
    run(BuildJob.from_dict(json.loads(sent[0])))

    assert b'src="/media/photos/cat.jpg" alt=""' in response.content
    assert response.responsive_img_pending == 1
    assert len(log()) == 1
    assert states() == ["failed"]


def test_a_source_that_nobody_measured_is_measured_when_it_is_shown(page, photo, sent, settings):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    unmeasured = page("django", ONE_FILE, {"photo": photo}).content
    records.picture_model().objects.update(lease_until=None)
    cache.clear()
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60

    response = page("django", ONE_FILE, {"photo": photo})

    assert unmeasured == UNBUILT.replace(b' width="20" height="10"', b"")
    assert response.content == UNBUILT
    assert records.source_model().objects.get().width == 80


@pytest.mark.parametrize("state", ["building", "queued"])
def test_a_picture_that_another_has_in_hand_is_shown_in_its_size(page, photo, settings, state):
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 0
    page("django", ONE_FILE, {"photo": photo})
    lease = timezone.now() + timedelta(seconds=60)
    records.picture_model().objects.update(state=state, owner="other", lease_until=lease)
    cache.clear()
    settings.RESPONSIVE_IMG_BUILD_BUDGET = 60

    response = page("django", ONE_FILE, {"photo": photo})

    assert response.content == UNBUILT
    assert response.responsive_img_pending == 1


def test_a_job_knows_what_a_newer_release_adds():
    job = BuildJob(storage="default", name="x.jpg", specs=("w20",))

    assert BuildJob.from_dict({**job.as_dict(), "new": 1}) == job
    assert BuildJob.from_dict({"storage": "default", "name": "x.jpg"}) == BuildJob(
        storage="default", name="x.jpg"
    )


def test_a_database_that_fails_in_the_second_of_three_builds_costs_that_and_the_next(page, make_photo, log):
    photos = [make_photo(f"photos/{name}.jpg") for name in "abc"]
    claims = []

    def execute(run_statement, sql, *args):
        if '"attempts" = (' in sql:
            claims.append(sql)
            if len(claims) == 2:
                raise OperationalError("down")
        return run_statement(sql, *args)

    with connection.execute_wrapper(execute):
        response = page("django", "{% for photo in photos %}" + ONE_FILE + "{% endfor %}", {"photos": photos})

    assert re.findall(rb'src="/media/([a-z/]+)', response.content) == [
        b"renditions/photos/a",
        b"photos/b",
        b"photos/c",
    ]
    assert response.responsive_img_pending == 2
    assert response.headers["Cache-Control"] == "max-age=0"
    assert log() == ["The build hook raised; 3 job(s) stay queued"]
    assert states() == ["queued", "queued", "ready"]


def test_a_header_that_another_engine_stumbles_over_costs_no_other_picture(
    page, make_photo, settings, monkeypatch
):
    settings.RESPONSIVE_IMG_BUILD_HOOK = "responsive_img.hooks.enqueue"
    photos = [make_photo("photos/bad.jpg"), make_photo("photos/good.jpg")]
    read_header = PillowEngine.read_header

    def stumbling(self, file):
        if "bad" in file.name:
            raise ValueError("odd")
        return read_header(self, file)

    monkeypatch.setattr(PillowEngine, "read_header", stumbling)

    html = page(
        "django", '{% for p in photos %}{% img p.image width=20 alt="" %}{% endfor %}', {"photos": photos}
    )

    assert b'<img src="/media/photos/good.jpg" width="20" height="10"' in html.content
    assert set(records.picture_model().objects.values_list("state", flat=True)) == {"queued"}
    assert records.picture_model().objects.count() == 2
