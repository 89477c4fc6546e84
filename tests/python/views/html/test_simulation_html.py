"""A simulation as HTML."""

from __future__ import annotations

from dataclasses import replace

import html_tree

import meadow_py as mp


def made(**changes: object) -> mp.Simulation:
    arguments = {"device": "zcu102", "bandwidth": "12Gb/s", "prompt": 128, **changes}
    return mp.simulate("opt-125m", **arguments)  # type: ignore[arg-type]


def test_the_answer_comes_first() -> None:
    simulation = made(packing="1.5x")
    tree = html_tree.parse(simulation._repr_html_())
    headline = tree.of_class("meadow-headline")[0].text
    assert headline.startswith("First token after ")
    assert "tokens/s" in headline
    captions = [node.text for node in tree.all("caption")]
    assert captions[:4] == ["At a glance", "Time of prompt", "Time of one token", "Energy"]
    glance = tree.all("table")[0]
    rows = {row.all("th")[0].text: [c.text for c in row.all("td")] for row in glance.all("tr")[1:]}
    by_bound = simulation.prefill.seconds_by("bound")
    assert rows["bound by"][0].startswith(max(by_bound, key=lambda name: by_bound[name]))
    assert rows["bound by"][1] == "memory"
    assert rows["floor: dense weights of blocks once"][1] == "56.6 ms"


def test_tables_can_be_read_aloud() -> None:
    tree = html_tree.parse(made()._repr_html_())
    assert tree.all("table")
    for table in tree.all("table"):
        headings = table.all("thead")[0].all("th")
        assert all(th.attributes["scope"] == "col" and th.text.strip() for th in headings)


def test_every_layer_is_listed() -> None:
    tree = html_tree.parse(made()._repr_html_())
    found = [node for node in tree.all("table") if node.all("caption")[0].text == "Layer by layer"]
    assert len(found) == 2
    assert all(len(table.all("tr")) == 1 + 14 for table in found)


def test_encoders_have_one_pass() -> None:
    text = mp.simulate("deit-s", device="zcu102")._repr_html_()
    tree = html_tree.parse(text)
    assert "One pass takes" in tree.of_class("meadow-headline")[0].text
    assert "one token" not in tree.all("table")[0].text


def test_names_are_escaped() -> None:
    simulation = made()
    hostile = replace(simulation, model=replace(simulation.model, name="<script>x</script>\x1b"))
    text = hostile._repr_html_()
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\x1b" not in repr(hostile)


def test_what_does_not_fit_says_so() -> None:
    fitting, too_large = made(), mp.simulate("opt-125m", device="esp32-s3", prompt=16)
    assert "does not fit" not in fitting._repr_html_()
    assert "It does not fit" in too_large._repr_html_()
    assert "It does not fit" in repr(too_large)
