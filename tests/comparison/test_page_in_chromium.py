"""report.html in a real browser: sort, filter, search, hostile text, a phone, the dark.

It needs a Chromium on the path (Debian: apt-get install chromium) and playwright from
requirements.txt, which drives it; nothing is downloaded.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_runs import make_run

from tunebook.comparison import load, tables
from tunebook.comparison.page import write_page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")
EXAMPLES = 25
HOSTILE = "</script><img src=x onerror=\"window.hacked = 1\"><svg onload='window.hacked = 2'>&amp;"
ARABIC = "ذهبت آنا إلى السوق (مع بول) واشترت 3 مصابيح."
LONG_WORD = "Donaudampfschifffahrt" * 120


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks; in qa four methods, three lengths of one of them, and a failure."""
    outputs = tmp_path_factory.mktemp("report") / "outputs"
    texts = [HOSTILE, ARABIC, LONG_WORD, *(f"answer {i}" for i in range(3, EXAMPLES))]
    references = [ARABIC, "x < y && z", "a word", *(f"answer {i}" for i in range(3, EXAMPLES))]
    for shift, words in enumerate((
        ["method=zero_shot"], ["method=lora"], ["method=prefix"],
        *(["method=prompt", f"method.num_virtual_tokens={n}"] for n in (5, 10, 20)),
    )):  # fmt: skip
        make_run(outputs, "task=qa", *words, texts=texts, references=references,
                 scores=[min(100, (3 * i + shift * (5 + i)) % 101) for i in range(EXAMPLES)],
                 losses=[3.0, 1.0 + shift / 10])  # fmt: skip
    make_run(outputs, "task=qa", "method=full", state="failed", error=f"no room: {HOSTILE}")
    make_run(outputs, "task=summarize", "method=lora", "task.instruction='<b>&'")
    make_run(outputs, "task=summarize", "method=lora")
    write_page(tables(load([outputs]).runs), outputs / "report.html")
    return outputs / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        # A sandbox inside a container needs rights that root has given up.
        flags = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        found = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield found
        found.close()


class Visit:
    """A page that is open, with all that it asked of the network and said in the console."""

    def __init__(self, browser: Any, report: Path, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(report.as_uri())

    def texts(self, selector: str) -> list[str]:
        """The text of everything visible that `selector` names."""
        found = self.page.locator(f"{selector}:visible")
        return [text.strip() for text in found.all_inner_texts()]

    def column(self, heading: str) -> list[str]:
        """The visible cells of a column of the first table."""
        heads = self.page.locator("#table-1-rows thead th").all_inner_texts()
        (at,) = [i for i, text in enumerate(heads) if text.startswith(heading)]
        return self.texts(f"#table-1-rows tbody tr > :nth-child({at + 1})")


@pytest.fixture
def visit(browser: Any, report: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """The report, open in a window of the size and colours that a test asks for."""
    options = getattr(request, "param", {"viewport": {"width": 1300, "height": 900}})
    found = Visit(browser, report, **options)
    yield found
    found.context.close()
    assert found.asked == [report.as_uri()]
    assert found.said == []


NARROW = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True}
DARK = {"color_scheme": "dark", "viewport": {"width": 1300, "height": 900}}


def test_a_click_on_a_heading_sorts_and_another_turns_it(visit: Visit) -> None:
    best_first = visit.column("f1")
    assert best_first[-1] == "failed"
    heading = visit.page.locator("#table-1-rows th", has_text="f1").first
    assert heading.get_attribute("aria-sort") == "none"
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert visit.column("f1") == best_first
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert visit.column("f1") == [*best_first[-2::-1], "failed"]  # the unknown stays last


def test_the_keyboard_sorts_too_and_numbers_sort_by_size(visit: Visit) -> None:
    button = visit.page.get_by_role("button", name="trainable").first
    button.focus()
    visit.page.keyboard.press("Enter")
    assert visit.column("trainable")[0] == "0"
    visit.page.keyboard.press("Space")
    assert visit.column("trainable")[0] == "2,560"
    others = visit.page.locator('#table-1-rows thead th:not([aria-sort="none"])')
    assert others.count() == 1
    assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_rows_are_filtered_by_words_and_counted(visit: Visit) -> None:
    box = visit.page.get_by_label("Filter rows").first
    box.fill("prompt tokens=10")
    visit.page.get_by_text("1 of 7 rows").wait_for()
    assert visit.column("setting") == ["num_virtual_tokens=10"]
    box.fill("nothing like it")
    visit.page.get_by_text("0 of 7 rows").wait_for()
    assert visit.column("method") == []
    box.fill("")
    visit.page.locator("#table-1 .count").first.filter(has_not_text="rows").wait_for(
        state="attached"
    )
    assert len(visit.column("method")) == 7


def test_an_example_is_found_by_a_word_of_it_under_every_method(visit: Visit) -> None:
    browser = visit.page.locator("#table-1 .browser")
    browser.get_by_label("Search").fill("ANSWER 17")
    visit.page.get_by_text("1–1 of 1 examples").wait_for()
    assert [text.split("\n")[0] for text in visit.texts("#table-1 article h4")] == ["test-17"]
    assert len(visit.texts("#table-1 .side")) == 6
    assert set(visit.texts("#table-1 .side .words")) == {"answer 17"}
    assert set(visit.texts("#table-1 article mark")) == {"answer", "17"}
    browser.get_by_label("Search").fill("no such word [")
    visit.page.get_by_text("no example has this").wait_for()


def test_pages_turn_and_the_largest_disagreement_comes_first(visit: Visit) -> None:
    def spreads() -> list[float]:
        found = visit.page.locator("#table-1 article .sub")
        return [float(one.get_attribute("title") or "") for one in found.all()]

    seen = spreads()
    for expected in ("11–20 of 25", "21–25 of 25"):
        visit.page.locator("#table-1 .pages").get_by_role("button", name="Next").click()
        visit.page.get_by_text(expected).wait_for()
        seen += spreads()
    assert len(seen) == EXAMPLES
    assert seen == sorted(seen, reverse=True)
    assert visit.page.locator("#table-1 .pages button", has_text="Next").is_disabled()
    visit.page.locator("#table-1").get_by_label("Order").select_option(
        "in the order of the test set"
    )
    visit.page.get_by_text("1–10 of 25").wait_for()
    assert visit.texts("#table-1 article h4 > :first-child")[:3] == ["test-0", "test-1", "test-10"]


@pytest.mark.parametrize("visit", [{}, NARROW], indirect=True, ids=["wide", "narrow"])
def test_hostile_text_is_shown_and_never_run(visit: Visit) -> None:
    visit.page.locator("#table-1").get_by_label("Search").fill("onerror")
    visit.page.get_by_text("1–1 of 1 examples").wait_for()
    assert set(visit.texts("#table-1 .side .words")) == {HOSTILE}
    assert visit.page.evaluate("window.hacked") is None
    assert visit.page.locator("img").count() == 0
    assert f"no room: {HOSTILE}" in visit.column("against the best")
    assert "<b>&" in visit.page.locator("#table-2-rows").inner_text()


def test_nothing_that_slips_in_could_run_or_call_home(browser: Any, report: Path) -> None:
    """The policy of the page holds, even for markup that our escaping would have let through."""
    visit = Visit(browser, report)
    visit.page.evaluate("""() => {
        const made = document.createElement("div");
        made.innerHTML = '<img src="https://example.org/x.png" onerror="window.hacked = 1">';
        const script = document.createElement("script");
        script.textContent = "window.hacked = 2";
        document.body.append(made, script);
    }""")
    fetched = "fetch('https://example.org/').then(() => 'sent', () => 'refused')"
    assert visit.page.evaluate(fetched) == "refused"
    assert visit.page.evaluate("window.hacked") is None
    assert len(visit.said) >= 3
    assert all("Content Security Policy" in text or "Refused" in text or "fetch" in text.lower()
               for text in visit.said)  # fmt: skip
    visit.context.close()


@pytest.mark.parametrize("visit", [NARROW], indirect=True)
def test_a_phone_scrolls_tables_inside_their_box_and_never_the_page(visit: Visit) -> None:
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not visit.page.evaluate(wide)
    for select in ("in the order of the test set", "worst of lora first"):
        visit.page.locator("#table-1").get_by_label("Order").select_option(select)
        assert not visit.page.evaluate(wide)
    visit.page.locator("summary").first.click()
    assert not visit.page.evaluate(wide)
    box = "document.querySelector('#table-1 .box')"
    assert visit.page.evaluate(f"{box}.scrollWidth > {box}.clientWidth")
    visit.page.evaluate(f"{box}.scrollLeft = 400")
    first = visit.page.locator("#table-1-rows tbody th").first.bounding_box()
    assert first["x"] < 40  # the name of a row stays in sight


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2) of "rgb(r, g, b)"."""
    channels = [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2) of two colours."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


COLORS = """(variables) => variables.map((name) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
})"""


@pytest.mark.parametrize("visit", [{}, DARK], indirect=True, ids=["light", "dark"])
def test_text_and_lines_can_be_told_from_the_paper(
    visit: Visit, request: pytest.FixtureRequest
) -> None:
    dark = "dark" in request.node.name
    texts, lines = ["--ink", "--quiet", "--link"], [f"--line-{i}" for i in range(8)]
    paper, raised, best = visit.page.evaluate(COLORS, ["--paper", "--raised", "--best"])
    assert (luminance(paper) < 0.1) is dark
    for color in visit.page.evaluate(COLORS, texts):
        assert min(contrast(color, ground) for ground in (paper, raised, best)) >= 4.5
    for color in visit.page.evaluate(COLORS, [*lines, "--faint"]):
        assert contrast(color, paper) >= 3
    drawn = visit.page.evaluate("getComputedStyle(document.querySelector('figure svg text')).fill")
    assert contrast(drawn, paper) >= 4.5


@pytest.mark.parametrize("visit", [{"reduced_motion": "reduce"}], indirect=True)
def test_nothing_moves_for_those_who_asked_for_that(visit: Visit) -> None:
    assert (
        visit.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    )


def test_right_to_left_text_runs_right_to_left(visit: Visit) -> None:
    visit.page.locator("#table-1").get_by_label("Search").fill("السوق")
    visit.page.get_by_text("1–2 of 2 examples").wait_for()
    found = visit.page.locator("#table-1 .words", has_text=ARABIC).first
    assert found.evaluate("(element) => element.matches(':dir(rtl)')")


def test_figures_have_names_and_words_for_those_who_do_not_see_them(visit: Visit) -> None:
    named = visit.page.get_by_role("img", name="f1 against trainable parameters")
    assert named.count() == 1
    assert (
        visit.page.locator("figure svg[role=img]").count() == visit.page.locator("figure").count()
    )
    assert visit.page.get_by_role("img", name="f1 over num_virtual_tokens").count() == 1


def test_without_script_the_tables_and_figures_are_still_there(browser: Any, report: Path) -> None:
    visit = Visit(browser, report, java_script_enabled=False)
    assert "zero_shot" in visit.column("method")
    assert visit.page.locator("#table-1 figure svg:visible").count() > 0
    assert "need JavaScript" in visit.page.locator("#table-1 noscript").inner_text()
    assert visit.texts("#table-1 .controls") == []
    visit.context.close()
