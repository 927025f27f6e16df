"""Days as strips: every stretch says what it is, whatever it is called."""

from edgehar.reporting.charts import NOT_WORN, DayStrip, Stretch, day_strips


def test_stretches_say_when_and_how_sure() -> None:
    day = DayStrip("2014-05-13", [Stretch(0, 1.5, "sit <b>", 2, 0.75), Stretch(2, 4, "not worn", NOT_WORN)])
    chart = day_strips([day], label="Days", keys=[("sit <b>", 2), ("not worn", NOT_WORN)])
    assert "0:00 to 1:30: sit &lt;b&gt;, 75 % sure" in chart
    assert "2:00 to 4:00: not worn" in chart
    assert "<b>" not in chart
    assert chart.count("--share: 0.75") == 3


def test_what_is_not_a_probability_is_drawn_within_bounds() -> None:
    chart = day_strips([DayStrip("d", [Stretch(0, 24, "a", 0, 1.7)])], label="Days", keys=[("a", 0)])
    assert "--share: 1.00" in chart
