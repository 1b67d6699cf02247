"""The Train page in a real browser: what cannot be tested without one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rnnlab.events import RunPaused
from rnnlab.runs.schema import DATABASE
from rnnlab.runs.store import Store
from rnnlab.view.language.i18n import t
from tests.browser.checks import settle
from tests.browser.server import Server

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]

# a network so small that an epoch takes hundredths of a second, with more epochs than a test waits for
TINY = "recipe=A2&num_hiddens=16&num_chars=2500&pred_period=20&num_epochs=5000&num_preds=12"

# all existing charts
WATCH_THE_CHART = """() => {
    const svgs = [...document.querySelectorAll('.lab-canvas svg.marks')];
    window.firstSvg = svgs[0];
    window.remounts = 0;
    new MutationObserver(records => {
        for (const record of records)
            for (const node of record.removedNodes)
                if (node.contains && svgs.some(svg => node.contains(svg))) window.remounts += 1;
    }).observe(document.body, {childList: true, subtree: true});
}"""


# invisible points along the curve have the tooltips: "epoch: 12; ..."
LAST_EPOCH = """() => Math.max(0, ...[...document.querySelectorAll(
    ".lab-canvas path:is([aria-label*='Perplexity:'], [aria-label*='困惑度:'])"
)].map(point => parseInt(point.getAttribute('aria-label').match(/\\d+/)[0])))"""


def epochs_drawn(page: Page) -> int:
    drawn: int = page.evaluate(LAST_EPOCH)
    return drawn


def await_more_epochs(page: Page, than: int) -> None:
    page.wait_for_function(f"({LAST_EPOCH})() > {than}")


def await_last_epoch(page: Page, epoch: int) -> None:
    page.wait_for_function(f"({LAST_EPOCH})() === {epoch}")


def last_pause(server: Server, run_id: str) -> RunPaused:
    """Return the epoch at which the run paused last."""
    store = Store(server.home / DATABASE)
    try:
        return [event for _, event in store.events_since(run_id) if isinstance(event, RunPaused)][-1]
    finally:
        store.close()


def texts(page: Page) -> list[str]:
    return page.locator("[data-testid=stHtml]:not([class*=st-key-strip] *)").all_inner_texts()


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def start(page: Page) -> str:
    """Press Start, and return the run's id when its first points are drawn."""
    button(page, "Start")
    # the first run of a server waits until torch is loaded
    expect(page.get_by_role("button", name="Pause")).to_be_enabled(timeout=20_000)
    await_more_epochs(page, 0)
    match = re.search(r"run=([^&]+)", page.url)
    assert match
    return match[1]


def stop(page: Page) -> None:
    button(page, "Stop")
    expect(page.get_by_role("button", name="Run again (same seed)")).to_be_visible()


def open_drawer(page: Page) -> None:
    """Open the drawer with all settings."""
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarUserContent").wait_for()


@pytest.mark.parametrize(("width", "lang"), [(1280, "en"), (1280, "zh"), (390, "en"), (390, "zh")])
def test_the_choices_in_the_drawer_are_not_cut_off(server: Server, visit: Visit, width: int, lang: str) -> None:
    """The choices of a first edition's preprocessing and of a recipe with a long name are the longest."""
    page = visit(f"{server.url}/train?recipe=A8-repaired&lang={lang}", width=width)
    open_drawer(page)
    page.locator("[data-testid=stSidebar] summary").filter(has_text=t("setup.preprocessing", lang)).click()
    fields = page.locator("[data-testid=stSidebar] [data-testid=stSelectbox] input")
    expect(fields).to_have_count(3)
    cut = fields.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.value)")
    assert cut == []
    drawer = page.get_by_test_id("stSidebar").bounding_box()
    assert drawer is not None
    assert drawer["width"] <= width


def test_a_deep_link_is_the_first_request_of_a_fresh_server(fresh_server: Server, visit: Visit) -> None:
    page = visit("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{fresh_server.url}/train?recipe=A9&lang=zh")
    expect(page.get_by_role("heading", name="训练", exact=True)).to_be_visible()
    expect(page.get_by_text("LSTM · 简洁实现 · 6 层").first).to_be_visible()
    # the navigation of the entry point, not that of the folder
    expect(page.get_by_role("link", name="首页")).to_be_visible()
    expect(page.get_by_role("link", name="streamlit app")).to_have_count(0)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.locator(".lab-canvas svg").first).to_be_visible()
    assert not [url for url in asked if not url.startswith((fresh_server.url, "data:", "blob:"))]


def test_start_watch_pause_resume_stop(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?{TINY}")
    run_id = start(page)
    page.evaluate(WATCH_THE_CHART)
    written = page.locator("[data-testid=stHtml]:not([class*=st-key-strip] *)")
    expect(written).to_contain_text(["分开", "不分开"])

    # the curve grows, and both texts change
    before_points, before_texts = epochs_drawn(page), texts(page)
    await_more_epochs(page, before_points)
    for position in (0, 1):
        expect(written.nth(position)).not_to_have_text(before_texts[position])

    button(page, "Pause")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    paused = last_pause(server, run_id)
    await_last_epoch(page, paused.epoch)
    # paused: a later visitor sees the curve with the same length, and here it has not grown either
    later = visit(f"{server.url}/train?run={run_id}")
    await_last_epoch(later, paused.epoch)
    assert epochs_drawn(page) == paused.epoch
    assert last_pause(server, run_id) == paused
    # a step of one epoch finishes the epoch in which the run was paused, and pauses again
    page.get_by_role("button", name="How far").click()
    page.get_by_text("one epoch").click()
    await_last_epoch(page, paused.epoch + 1)
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    stepped = last_pause(server, run_id)
    assert (stepped.epoch, stepped.minibatch) == (paused.epoch + 1, 0)
    await_last_epoch(later, paused.epoch + 1)

    resumed_at = epochs_drawn(page)
    button(page, "Resume")
    await_more_epochs(page, resumed_at + 5)
    assert page.evaluate("window.remounts") == 0
    stop(page)
    # the result is shown below the charts, which are not rebuilt
    expect(page.get_by_text("From epoch 1 to epoch")).to_be_visible()
    assert page.evaluate("window.remounts") == 0
    assert page.evaluate("document.querySelector('.lab-canvas svg') === window.firstSvg")
    expect(page.locator(".lab-figures")).to_contain_text("stopped")
    assert epochs_drawn(page) > resumed_at  # nothing is lost


@pytest.mark.parametrize("shown", [TINY, "recipe=A2"], ids=["reference lines", "a recorded run"])
def test_the_chart_that_stands_there_takes_in_the_first_point(server: Server, visit: Visit, shown: str) -> None:
    """Rebuilding the chart at Start would take a third of a second; and a double click starts only one run."""
    store = Store(server.home / DATABASE)
    before = len(store.runs(limit=500))
    page = visit(f"{server.url}/train?{shown}")
    expect(page.locator(".lab-canvas svg").first).to_be_visible()
    page.evaluate(WATCH_THE_CHART)
    page.get_by_role("button", name="Start").first.dblclick()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page.get_by_text("recorded ·")).to_have_count(0)
    await_more_epochs(page, 0)
    assert page.evaluate("document.querySelector('.lab-canvas svg') === window.firstSvg")
    stop(page)
    assert len(store.runs(limit=500)) == before + 1
    store.close()


def test_the_first_point_can_be_seen(server: Server, visit: Visit) -> None:
    """A line of one point is invisible."""
    page = visit(f"{server.url}/train?{TINY.replace('5000', '1')}")
    button(page, "Start")
    expect(page.get_by_role("button", name="Run again (same seed)")).to_be_visible(timeout=20_000)
    await_last_epoch(page, 1)
    seen = page.evaluate("""() => [...document.querySelectorAll('.lab-canvas svg')][0]
        .querySelectorAll('.mark-symbol path[opacity="1"][fill="#1F5FA6"]').length""")
    assert seen == 1


def test_a_reload_and_a_second_screen_show_the_same_run_live(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?{TINY}")
    run_id = start(page)
    seen = epochs_drawn(page)
    page.reload()
    await_more_epochs(page, seen)
    assert f"run={run_id}" in page.url

    second = visit(f"{server.url}/train?run={run_id}&lang=zh", width=390)
    await_more_epochs(second, seen)
    expect(second.locator(".lab-figures")).to_contain_text("训练中")
    stop(page)
    expect(second.locator(".lab-figures")).to_contain_text("已停止")


def test_what_is_changed_live_shows_on_the_curve(server: Server, visit: Visit) -> None:
    """A changed learning rate is marked, and the other theme has its own colours."""
    page = visit(f"{server.url}/train?{TINY}")
    start(page)
    page.evaluate(WATCH_THE_CHART)
    button(page, "Adjust")
    field = page.get_by_role("spinbutton", name="Learning rate")
    field.fill("25")
    field.press("Enter")
    expect(page.locator(".lab-canvas").first.get_by_text("lr 25")).to_be_visible()
    assert page.evaluate("window.remounts") == 0
    page.keyboard.press("Escape")
    line = page.locator(".lab-canvas .mark-line path").first
    expect(line).to_have_attribute("stroke", "#1F5FA6")
    page.emulate_media(color_scheme="dark")
    expect(line).to_have_attribute("stroke", "#6FA8E3")
    stop(page)


def test_the_slider_goes_through_the_texts(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?{TINY}&num_epochs=20&pred_period=5")
    button(page, "Start")
    # the first run of a server waits until torch is loaded
    expect(page.locator(".lab-figures")).to_contain_text("finished", timeout=20_000)
    expect(page.get_by_text("After epoch 20,")).to_be_visible()
    newest = texts(page)
    slider = page.get_by_role("slider", name="Texts during the run")
    slider.focus()
    expect(slider).to_have_attribute("aria-valuetext", "20")  # not the number of the text
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    expect(page.get_by_text("After epoch 10,")).to_be_visible()
    expect(slider).to_have_attribute("aria-valuetext", "10")
    assert texts(page) != newest
    slider.press("ArrowLeft")
    expect(page.get_by_text("After epoch 5,")).to_be_visible()


def test_a_text_looked_back_at_stays_while_the_run_goes_on(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?{TINY}")
    start(page)
    page.wait_for_function(f"({LAST_EPOCH})() > 25")
    slider = page.get_by_role("slider", name="Texts during the run")
    slider.focus()
    slider.press("Home")
    expect(page.get_by_text("Before training", exact=True)).to_be_visible()
    kept, seen = texts(page), epochs_drawn(page)
    await_more_epochs(page, seen + 40)  # two texts later
    expect(page.get_by_text("Before training", exact=True)).to_be_visible()
    assert texts(page) == kept
    stop(page)
    expect(page.get_by_text("Before training", exact=True)).to_be_visible()


def test_a_slider_held_with_the_mouse_survives_new_texts(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?{TINY}&num_hiddens=24")
    start(page)
    page.wait_for_function(f"({LAST_EPOCH})() > 25")
    slider = page.get_by_test_id("stSlider").filter(has_text="Texts during the run")
    thumb, track = slider.get_by_test_id("stSliderThumbValue").locator("..").bounding_box(), slider.bounding_box()
    assert thumb
    assert track
    height = thumb["y"] + thumb["height"] / 2
    page.mouse.move(thumb["x"] + thumb["width"] / 2, height)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] / 3, height, steps=5)
    await_more_epochs(page, epochs_drawn(page) + 60)  # three texts while the slider is held
    page.mouse.move(track["x"] - 20, height, steps=5)
    page.mouse.up()
    expect(page.get_by_text("Before training", exact=True)).to_be_visible()


def test_a_stopped_run_goes_on(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?{TINY}&num_epochs=10")
    button(page, "Start")
    expect(page.locator(".lab-figures")).to_contain_text("finished")
    button(page, "Continue")
    page.get_by_text("40 more epochs").click()
    expect(page.locator(".lab-figures")).to_contain_text("epoch 50/50")


def choose(page: Page, file: Path) -> None:
    """Choose a file in the uploader, and wait until it has been sent."""
    settle(page)
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_test_id("stFileUploader").get_by_text(file.name)).to_be_visible()
    settle(page)


def test_a_bad_file_is_refused_and_nothing_is_lost(server: Server, visit: Visit, tmp_path: Path) -> None:
    bad = tmp_path / "picture.txt"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    page = visit(f"{server.url}/train?recipe=A6&num_layers=2")
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    open_drawer(page)
    page.get_by_text("Use your own text").click()
    choose(page, bad)
    button(page, "Use this text")
    expect(page.get_by_text("This is not a text file")).to_be_visible()
    expect(page.get_by_text("LSTM · from scratch · 2 layers")).to_be_visible()

    good = tmp_path / "good.txt"
    good.write_bytes(("时间走得很慢\n我们慢慢地走\n分开以后不再回头\n" * 90).encode("gb18030"))
    choose(page, good)
    button(page, "Use this text")
    expect(page.get_by_role("combobox", name="Training text").first).to_have_value("good.txt")
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_file_that_is_no_text_of_ours_is_refused_in_the_readers_language(
    server: Server, visit: Visit, tmp_path: Path
) -> None:
    page = visit(f"{server.url}/train?recipe=A6&lang=zh", locale="zh-CN")
    open_drawer(page)
    page.get_by_text("用自己的文本").click()
    place = page.get_by_test_id("stFileUploader")
    expect(place.get_by_role("button", name="选择文件")).to_be_visible()
    # Streamlit's own texts: "200MB per file • TXT", "Upload"
    expect(place.get_by_test_id("stFileUploaderDropzoneInstructions")).to_be_hidden()
    expect(place.get_by_text("Upload", exact=True).locator("xpath=ancestor::button/*")).to_have_css(
        "clip-path", "inset(50%)"
    )
    zone = place.get_by_test_id("stFileUploaderDropzone")
    dragged = page.evaluate_handle(
        "() => { const held = new DataTransfer(); held.items.add(new File(['a'], 'a.txt')); return held; }"
    )
    zone.dispatch_event("dragenter", {"dataTransfer": dragged})
    over = zone.locator("> div > span:only-child", has_text="Drag and drop")
    expect(over).to_have_css("font-size", "0px")
    assert "把文件放在这里" in over.evaluate("e => getComputedStyle(e, '::after').content")
    zone.dispatch_event("dragleave", {"dataTransfer": dragged})
    expect(over).to_have_count(0)
    use, chooser, alert = page.get_by_role("button", name="使用这段文本"), page.locator("input[type=file]"), "stAlert"

    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8)
    chooser.set_input_files(picture)
    use.click()
    expect(page.get_by_test_id(alert)).to_contain_text("这不是文本文件")

    large = tmp_path / "large.txt"
    large.write_text("时间走得很慢\n" * 138_000, encoding="utf-8")
    chooser.set_input_files(large)
    expect(page.get_by_test_id(alert)).to_contain_text("文本有 2.5 MB，至多 2 MB")
    expect(use).to_be_disabled()

    # the browser does not send this file
    with (tmp_path / "film.txt").open("wb") as film:
        film.truncate(22 * 2**20)
    chooser.set_input_files(tmp_path / "film.txt")
    chip = page.get_by_test_id("stFileChip").filter(has_text="film.txt")
    expect(chip).to_have_attribute("aria-invalid", "true")
    sentence = "e => getComputedStyle(e.closest('.st-key-corpus-file'), '::after').content"
    assert "至多 2 MB" in chip.evaluate(sentence)
    # Streamlit's own English message is there but hidden
    expect(chip.locator("[role=alert]")).to_have_css("visibility", "hidden")
    chip.hover()
    tip = page.get_by_test_id("stTooltipErrorContent")
    expect(tip).to_have_count(1)
    expect(tip).to_be_hidden()

    from tests.browser.test_access import serious  # imported here, as it is skipped without axe

    assert serious(page) == []


def test_a_bad_link_says_what_is_allowed(server: Server, visit: Visit) -> None:
    page = visit(f"{server.url}/train?recipe=A6&num_layers=99&lang=en")
    expect(page.get_by_text("allowed: 1 to 8")).to_be_visible()
    page = visit(f"{server.url}/train?run=nosuchrun&lang=zh")
    expect(page.get_by_test_id("stAlert").first).to_contain_text("nosuchrun")
    expect(page.get_by_role("button", name="开始")).to_be_visible()
    page = visit(f"{server.url}/train?recipe=A6&cell=<img src=x onerror=window.hacked=1>")
    expect(page.get_by_test_id("stAlert").first).to_contain_text("rnn, gru, lstm")
    assert page.evaluate("window.hacked") is None
