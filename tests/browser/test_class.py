"""A class behind one link: a teacher's browser and three students', one of them a phone, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from rnnlab.runs.client import Client
from rnnlab.view.language.i18n import t
from tests.browser.server import Server
from tests.made import LYRICS, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("school") / "home", profile="class")
    yield server
    server.stop()


class People:
    """Browsers of several people, each with cookies of its own.

    The tests use them in turn, as each has to load and compile the front end once.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: list[Page] = []
        self._busy: list[Page] = []

    def __call__(self, width: int = 1280, height: int = 720) -> Page:
        """Return a tab without cookies and stored data."""
        page = self._idle.pop() if self._idle else self._new()
        self._busy.append(page)
        page.set_viewport_size({"width": width, "height": height})
        return page

    def leave(self) -> None:
        """Let everybody leave, and forget what was kept in their browsers."""
        for page in self._busy:
            if page.url.startswith("http"):
                page.evaluate("localStorage.clear()")
            page.goto("about:blank")
            page.context.clear_cookies()
        self._idle += self._busy
        self._busy.clear()

    def close(self) -> None:
        for page in (*self._busy, *self._idle):
            page.context.close()

    def _new(self) -> Page:
        context = self._browser.new_context()
        context.set_default_timeout(20_000)
        return context.new_page()


@pytest.fixture(scope="module")
def browsers(browser: Browser) -> Iterator[People]:
    people = People(browser)
    yield people
    people.close()


@pytest.fixture
def people(browsers: People) -> Iterator[People]:
    yield browsers
    browsers.leave()


def teach(page: Page, school: Server) -> Page:
    """Enter the teacher's key."""
    page.goto(f"{school.url}/lab/teacher?lang=en")
    page.locator("input[name=key]").fill((school.home / "teacher.key").read_text())
    page.get_by_role("button").click()
    page.wait_for_url(f"{school.url}/**")
    return page


def press(page: Page, name: str) -> None:
    page.bring_to_front()  # a tab behind others is drawn once a second
    page.get_by_role("button", name=name, exact=True).first.click()


def choose_and_start(page: Page, cell: str, start: str) -> None:
    """Click on a cell and on Start in the same moment, so that the server gets both at once."""
    page.get_by_role("button", name=start, exact=True).wait_for()
    page.evaluate(
        """([cell, start]) => {
          const find = (selector, text) =>
            [...document.querySelectorAll(selector)].find((element) => element.textContent.trim().endsWith(text))
          const [choice, button] = [find('[role="radio"]', cell), find('button[kind="primary"]', start)]
          choice.click()
          button.click()
        }""",
        [cell, start],
    )


def test_a_lesson_with_a_teacher_and_three_students(school: Server, people: People) -> None:
    teacher = teach(people(), school)
    teacher.goto(f"{school.url}/room?lang=zh")
    epochs = teacher.get_by_role("spinbutton", name=t("field.num_epochs", "zh"))
    epochs.fill("6")
    epochs.press("Enter")
    expect(teacher.get_by_text("6 个迭代周期")).to_be_visible()
    press(teacher, t("room.open.button", "zh"))
    teacher.wait_for_url("**room=**")
    found = re.search(r"room=(\w+)", teacher.url)
    assert found
    code = found[1]
    # the setup of the room is whole, also on a small projector
    teacher.set_viewport_size({"width": 1024, "height": 768})
    captions = teacher.locator(".st-key-room-bar p, .st-key-room-wall-head p")
    expect(captions.filter(has_text="6 个迭代周期")).to_be_visible()
    assert captions.evaluate_all("(all) => all.every((one) => one.scrollWidth <= one.clientWidth)")
    teacher.set_viewport_size({"width": 1280, "height": 720})

    # three students join by the link; one of them types the code in small letters
    students = [people(390, 844), people(), people(1024, 768)]
    for number, (student, lang) in enumerate(zip(students, ("en", "zh", "en"), strict=True)):
        student.bring_to_front()
        student.goto(f"{school.url}/room?room={code.lower() if number else code}&lang={lang}")
        student.get_by_role("textbox", name=t("room.your_name", lang)).fill(f"*S{number}* :smile:")
        press(student, t("room.join.button", lang))
        expect(student.get_by_text(f"*S{number}* :smile:")).to_be_visible()

    # the teacher asks, the students guess; the guesses come to the teacher's page without a reload
    teacher.bring_to_front()
    press(teacher, t("room.ask.crossing", "zh"))
    expect(teacher.get_by_text(t("room.guessing", "zh", count=0, members=3))).to_be_visible()
    for student, lang in zip(students, ("en", "zh", "en"), strict=True):
        student.bring_to_front()
        question = t("room.question.crossing", lang, epochs=6, prefix="")
        expect(student.get_by_text(question)).to_be_visible()
        slider = student.get_by_test_id("stSlider").first.bounding_box()
        assert slider is not None
        assert slider["width"] > 280  # also on a phone, where a finger chooses among all epochs
        press(student, t("room.guess.never" if lang == "zh" else "room.guess.this", lang))
        expect(student.get_by_text(re.compile(t("room.guess.mine", lang, value=".")[:-1]))).to_be_visible()
    teacher.bring_to_front()
    teacher.locator(".st-key-chart-room-wall .mark-rect path").first.wait_for()  # the histogram on the curve

    # a student starts with another cell, which is open; the wall shows the run
    student = students[1]
    student.bring_to_front()
    choose_and_start(student, "GRU", t("controls.start", "zh"))
    expect(student.locator(".lab-figures").first.get_by_text("6/6")).to_be_visible()
    teacher.bring_to_front()
    expect(teacher.locator(".st-key-chart-room-wall").get_by_text("*S1* :smile:").first).to_be_visible()

    # the run answers, and the nearest are named on all pages
    press(teacher, t("room.answer", "zh"))
    expect(teacher.get_by_text(t("room.result.never", "zh", epochs=6))).to_be_visible()
    expect(teacher.get_by_text("*S1* :smile:").first).to_be_visible()
    expect(teacher.locator(".st-key-chart-room-wall").get_by_text(t("room.teacher", "zh")).first).to_be_visible()
    students[0].bring_to_front()
    result = students[0].get_by_text(t("room.result.never", "en", epochs=6))
    expect(result).to_be_visible()
    place = result.bounding_box()
    assert place is not None
    assert place["y"] < 200  # where the question was, also on a phone

    # members follow the teacher until they leave the teacher's view, also after they have reloaded the page
    students[0].reload()
    expect(result).to_be_visible()
    teacher.bring_to_front()
    teacher.get_by_text(t("room.lead", "zh"), exact=True).click()
    teacher.get_by_test_id("stTopNavLink").filter(has_text=t("page.diagnose", "zh")).click()
    for student in students[:2]:
        student.bring_to_front()
        student.wait_for_url("**/diagnose**")
    press(students[1], t("led.leave", "zh"))
    teacher.bring_to_front()
    teacher.get_by_test_id("stTopNavLink").filter(has_text=t("page.lessons", "zh")).click()
    students[0].bring_to_front()
    students[0].wait_for_url("**/lessons**")
    assert "/diagnose" in students[1].url

    # the end: nobody starts any more
    teacher.bring_to_front()
    teacher.goto(f"{school.url}/room?room={code}&lang=zh")
    press(teacher, t("room.end", "zh"))
    press(teacher, t("room.end.button", "zh"))
    expect(teacher.get_by_role("button", name=t("room.invite", "zh"))).to_have_count(0)
    with Client(school.home) as client:
        room = client.store.room(code)
        assert room.ended_at is not None
        assert len(client.store.members(code)) == 3
        assert sorted(guess.value for guess in client.store.guesses(code)) == ["3", "3", "never"]
        assert [client.store.run(run).config.cell for run in client.store.runs_of_room(code)] == ["gru", "rnn"]


def test_a_run_is_its_owners_on_all_their_devices_and_watched_by_others(school: Server, people: People) -> None:
    owner, stranger = people(), people()
    small = "recipe=A2&num_hiddens=16&num_chars=2500&pred_period=5000&num_epochs=5000"
    owner.goto(f"{school.url}/train?{small}&lang=en")
    press(owner, "Start")
    expect(owner.get_by_role("button", name="Pause")).to_be_enabled()
    found = re.search(r"run=(\w+)", owner.url)
    assert found
    run = found[1]

    stranger.bring_to_front()
    stranger.goto(f"{school.url}/train?run={run}&lang=en")
    expect(stranger.get_by_text("watching").first).to_be_visible()
    for name in ("Pause", "Stop", "Step"):
        expect(stranger.get_by_role("button", name=name, exact=True)).to_have_count(0)
    stranger.goto(f"{school.url}/runs?show=mine&lang=en")
    expect(stranger.get_by_text(t("runs.limits.yours", "en"))).to_be_visible()
    expect(stranger.get_by_text(t("runs.none_found", "en"))).to_be_visible()

    # the private link makes another device the owner's
    owner.bring_to_front()
    press(owner, "Share")
    press(owner, t("share.device", "en"))
    link = owner.get_by_text(re.compile(r"/lab/device/")).first.inner_text().strip()
    phone = people(390, 844)
    phone.goto(link)
    expect(phone.get_by_text(t("sign_in.device.lead", "en"))).to_be_visible()
    phone.get_by_role("button").click()
    phone.wait_for_url(f"**/train?run={run}**")
    press(phone, "Stop")
    with Client(school.home) as client:
        assert until(client, run, lambda record: not record.live).state == "stopped"


def test_the_teacher_stops_all(school: Server, people: People) -> None:
    with Client(school.home) as client:
        runs = [client.create(LYRICS.change(num_epochs=9000, pred_period=9000)) for _ in range(3)]
        page = teach(people(), school)
        page.goto(f"{school.url}/runs?lang=en")
        page.get_by_role("button", name=re.compile("Stop all")).click()
        assert {until(client, run, lambda record: not record.live).state for run in runs} == {"stopped"}


def test_after_a_reload_a_student_finds_the_settings_that_were_chosen(school: Server, people: People) -> None:
    with Client(school.home) as client:
        code = client.open_room(LYRICS.change(num_epochs=3), recipe="A2", opened=("cell", "num_epochs"))
    student = people()
    student.goto(f"{school.url}/room?room={code}&lang=en")
    student.get_by_role("textbox", name=t("room.your_name", "en")).fill("Kim")
    press(student, t("room.join.button", "en"))
    student.get_by_text("LSTM", exact=True).click()
    expect(student).to_have_url(re.compile("[?&]cell=lstm"))
    for lang in ("en", "zh"):  # the widgets of the other language are others
        student.goto(student.url.replace("lang=en", f"lang={lang}"))
        expect(student.get_by_role("radio", name="LSTM")).to_be_checked()
        expect(student.get_by_role("radio", name="RNN")).not_to_be_checked()
    # from another page, whose address does not have them
    student.get_by_test_id("stTopNavLink").filter(has_text=t("page.home", "zh")).click()
    expect(student).not_to_have_url(re.compile("cell="))
    student.get_by_test_id("stTopNavLink").filter(has_text=t("page.room", "zh")).click()
    expect(student.get_by_role("radio", name="LSTM")).to_be_checked()
    # what is not open, or not allowed, is ignored
    student.goto(f"{school.url}/room?room={code}&lang=en&cell=cnn&num_epochs=7&num_hiddens=9")
    expect(student.get_by_role("radio", name="RNN")).to_be_checked()
    expect(student.get_by_role("spinbutton", name=t("field.num_epochs", "en"))).to_have_value("7")
    expect(student).not_to_have_url(re.compile("num_hiddens|cnn"))
    press(student, t("controls.start", "en"))
    expect(student.locator(".st-key-room-run")).to_be_visible()
    with Client(school.home) as client:
        (run,) = client.store.runs_of_room(code)
        assert client.store.run(run).config == LYRICS.change(num_epochs=7)
