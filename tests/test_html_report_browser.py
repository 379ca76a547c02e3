"""The HTML page in a real browser: it loads in silence, and its buttons do what they say."""

import json

import pytest

from simnet.report.html_report import write_report
from simnet.report.results import Results

from .browser import chromium
from .page_results import COUNT, HOSTILE, MAC, sweep_results

COLOURS = "prefers-color-scheme"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    directory = sweep_results(tmp_path_factory.mktemp("sweep"))
    write_report(Results.read(directory), [], directory / "report.html")
    return directory / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def opened(browser, file):
    """The page, loaded anew."""
    browser.get_log("performance")
    browser.get(file.as_uri())
    return browser


def find(driver, selector):
    return driver.find_elements("css selector", selector)


def panel(driver):
    return "#panel-against-devices\\.probes\\.count"


def test_it_loads_without_a_word_on_the_console_or_the_network(opened):
    assert opened.get_log("browser") == []
    events = [json.loads(e["message"])["message"] for e in opened.get_log("performance")]
    asked = {
        e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"
    }
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked), asked
    assert opened.title == HOSTILE
    data = json.loads(find(opened, "#data")[0].get_attribute("textContent"))
    charts = sum(len(panel["charts"]) for panel in data["sweeps"] + data["panels"])
    assert len(find(opened, "figure svg.chart")) == charts >= 10


def test_a_click_on_the_legend_hides_a_line_in_every_chart_of_the_panel(opened):
    charts = len(find(opened, f"{panel(opened)} svg.chart"))
    line = f'{panel(opened)} g[data-series="fifo"]'
    assert len(find(opened, line)) == charts
    button = find(opened, f"{panel(opened)} .legend button")[0]
    assert button.text == "fifo"
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert find(opened, line) == []
    assert len(find(opened, f'{panel(opened)} g[data-series="processor-sharing"]')) == charts
    button.click()
    assert len(find(opened, line)) == charts


def test_a_click_on_a_head_sorts_the_table_by_number_both_ways(opened):
    heads = find(opened, "#points th")
    column = [head.text.split(" ")[0] for head in heads].index("uplink")

    def shown():
        cells = find(opened, f"#points tbody tr td:nth-child({column + 1})")
        return [float(cell.get_attribute("data-v")) for cell in cells]

    before = shown()
    heads[column].find_element("css selector", "button").click()
    assert shown() == sorted(before)
    assert heads[column].get_attribute("aria-sort") == "ascending"
    heads[column].find_element("css selector", "button").click()
    assert shown() == sorted(before, reverse=True)
    assert heads[column].get_attribute("aria-sort") == "descending"


def test_pointing_at_a_chart_tells_the_values_of_the_file(opened, file):
    from selenium.webdriver.common.action_chains import ActionChains

    estimates = {
        (point.parameters[COUNT], json.loads(point.parameters[MAC])["kind"]): point.estimates
        for point in Results.read(file.parent).points()
    }
    figure = next(
        figure
        for figure in find(opened, f"{panel(opened)} figure")
        if figure.text.startswith("busy share of the uplink")
    )
    chart = figure.find_element("css selector", "svg.chart")
    opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
    right = chart.size["width"] // 2 - 20
    ActionChains(opened).move_to_element_with_offset(chart, right, 0).perform()
    told = figure.find_element("css selector", ".tip").text
    assert "users: 6" in told
    for kind in ("fifo", "processor-sharing"):
        estimate = estimates[6, kind]["uplink_utilisation"]
        half_width = (estimate.high - estimate.low) / 2
        value = told.split(kind)[1].split("\n")[1]
        mean, half = (float(part) for part in value.split(" ± "))
        assert mean == pytest.approx(estimate.mean, rel=0.01)
        assert half == pytest.approx(half_width, rel=0.06)


def test_arrow_keys_read_a_chart_and_any_metric_can_be_chosen(opened):
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.select import Select

    figure = find(opened, f"{panel(opened)} figure.wide")[0]
    Select(figure.find_element("css selector", "select")).select_by_visible_text("round_time_s_p95")
    assert "round, p95" in figure.text.replace("verified ", "")
    chart = figure.find_element("css selector", "svg.chart")
    chart.send_keys(Keys.ARROW_RIGHT)
    assert "users: 2" in figure.text
    chart.send_keys(Keys.ARROW_RIGHT)
    assert "users: 6" in figure.text
    assert opened.get_log("browser") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_page_in_light_and_dark(opened, scheme, tmp_path):
    feature = {"name": COLOURS, "value": scheme}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    ink, page = opened.execute_script(
        "const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]"
    )
    light = [luminance(colour) for colour in (ink, page)]
    assert (max(light) + 0.05) / (min(light) + 0.05) > 12
    assert (light[0] < light[1]) == (scheme == "light")
    assert opened.save_screenshot(str(tmp_path / f"{scheme}.png"))
    assert (tmp_path / f"{scheme}.png").stat().st_size > 20_000
    assert opened.execute_script("return document.documentElement.scrollWidth") <= 1200


def luminance(colour):
    """Relative luminance of ``rgb(r, g, b)``, as contrast is defined (WCAG 2.2)."""
    parts = colour[colour.index("(") + 1 : -1].split(",")[:3]
    red, green, blue = (float(part) / 255 for part in parts)
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
