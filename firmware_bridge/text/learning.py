"""Learn the layout of a text stream from its first lines: by names where there are any, by evidence, or by asking.

1. Columns that a person has declared are taken as declared.
2. Names decide: those of a header with as many names as a line has numbers, or the text before each number. Where no
   line names all three axes, the lines that follow each other are taken together: ``ax:1``, ``ay:2``, ``az:3``.
3. Three bare numbers are x, y, z.
4. More bare numbers are watched for a time column and then for gravity (`evidence.py`).
5. What is left is a question: it shows a line, what was understood, and the option that answers it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from edgehar.firmware_bridge.text.across import Across, Part, across
from edgehar.firmware_bridge.text.decimal_commas import has_decimal_commas, has_split_decimals
from edgehar.firmware_bridge.text.evidence import find_axes
from edgehar.firmware_bridge.text.kinds import Row, kinds_of, siblings_of
from edgehar.firmware_bridge.text.layout import Place, TextLayout, declared_unit, time_column
from edgehar.firmware_bridge.text.selection import SensorSelection, sensor_number, which_of, words_of_sensor
from edgehar.firmware_bridge.text.slots import (
    are_siblings,
    common_unit,
    feels_gravity,
    is_label_of_four,
    may_be_number,
    names_a_sensor,
    places,
    plain,
    slot_of,
    unit_of_names,
)
from edgehar.firmware_bridge.text.template import Template, dissect
from edgehar.firmware_bridge.text.ticks import behaves_like_time, time_by_name
from edgehar.models.sensing.names import NamedColumns, accelerometers, find_acceleration
from edgehar.models.sensing.unit_names import COUNTS, OF_ACCELERATION

TIME_ROWS: Final = 20
"""Rows by which a time column is told."""
EVIDENCE_ROWS: Final = 100
"""Rows by which unnamed columns are told, where a line has more than a time and three others."""
MOST_ROWS: Final = 400
"""Rows after which no more is hoped for, and a person is asked."""
_CYCLES: Final = 3
"""How often lines must have followed each other to be taken together."""

_LARGEST: Final = 1e19
"""A row with a larger number is damaged. Comparing NaN is false, so a row with a number missing is left out too."""
_SHOWN_LETTERS: Final = 80
_MOST_SHOWN: Final = 12
_PRINT_ALL: Final = "Print x, y and z in one line, as x,y,z"


@dataclass(frozen=True, slots=True)
class Question:
    """What cannot be told from the stream: a sentence, the option that answers it, and what to pass if it is known.

    Without an option, ``answer`` is what else can be done.
    """

    text: str
    option: str
    answer: str = ""


class LayoutLearner:
    """Watch lines until it is clear where x, y and z are.

    Parameters
    ----------
    rate_hz
        The expected sample rate, by which seconds are told from milliseconds and microseconds.
    columns
        Names or numbers (from 1) of x, y and z, as a person has declared them; None to find out. Of six, the last three
        are the turning rate about x, y and z.
    selection
        Which sensor is wanted where there are several.

    Examples
    --------
    >>> learner = LayoutLearner(rate_hz=100.0)
    >>> learner.add("ax:0.1 ay:0.2 az:0.9"), learner.add("ax:0.1 ay:0.3 az:0.9")
    (True, True)
    >>> str(learner.decide())
    '3 numbers a line: x is ax, y is ay, z is az'
    """

    def __init__(
        self, *, rate_hz: float, columns: tuple[str, ...] | None = None, selection: SensorSelection | None = None
    ) -> None:
        self._rate_hz = rate_hz
        self._columns = columns
        self._selection = selection or SensorSelection()
        self._header: tuple[str, ...] = ()
        self._decimal_comma = False
        self._forget()

    @property
    def rows(self) -> int:
        """How many lines of numbers have been seen."""
        return len(self._rows)

    @property
    def templates(self) -> set[Template]:
        """The templates of all kinds of lines seen."""
        kinds = kinds_of(self._whole)
        return {each for each in self._known if each in kinds or each not in self._whole}

    def _forget(self) -> None:
        """Begin anew."""
        self._rows: list[Row] = []
        # Names are worked out once for each template, so equal ones are kept as one.
        self._known: dict[Template, Template] = {}
        self._whole: dict[Template, list[Row]] = {}
        self._fitting: frozenset[tuple[int, int, int]] = frozenset()

    def name_columns(self, names: Sequence[str]) -> None:
        """Take the names of a header."""
        self._header = tuple(names)

    def add(self, line: str) -> bool:
        """Take a line, and return whether it has numbers."""
        if not self._decimal_comma and has_decimal_commas(line):
            self._use_decimal_commas()
        cut = dissect(line, decimal_comma=self._decimal_comma)
        if cut is None:
            return False
        row = Row(len(self._rows), line, self._known.setdefault(cut[0], cut[0]), cut[1])
        self._rows.append(row)
        if all(abs(number) <= _LARGEST for number in row.numbers):
            self._whole.setdefault(row.template, []).append(row)
        return True

    def decide(self, *, final: bool = False) -> TextLayout | Question | None:
        """Return the layout, a question, or None while more lines are needed; ``final`` if no more will come."""
        if not self._rows:
            return None
        final = final or len(self._rows) >= MOST_ROWS
        if (
            not self._decimal_comma
            and len(self._rows) >= TIME_ROWS
            and has_split_decimals([row.line for row in self._rows[-TIME_ROWS:]])
        ):
            self._use_decimal_commas()
        if self._columns is not None:
            return self._all_declared(self._columns, final=final)
        by_template = self._by_template()
        decided = self._by_names(by_template, final=final)
        if decided is not None:
            return decided
        template = max(by_template, key=lambda each: len(by_template[each]))
        most = by_template[template]
        others = sum(map(len, by_template.values())) - len(most)
        # A log line now and then has names, and does not speak for the lines of numbers.
        prevails = not others or (len(most) >= TIME_ROWS and len(most) > 3 * others)
        named = any(any(self._names(each)) for each in by_template)
        if named and (any(self._names(template)) or not prevails):
            return self._unclear(f"names do not say which numbers are acceleration{self._there()}") if final else None
        siblings = siblings_of(template, by_template)
        if len(siblings) > 1:
            return self._of_siblings(siblings, by_template, final=final)
        return self._bare(template, most, final=final)

    def _by_template(self) -> dict[Template, list[Row]]:
        """Return the lines whose numbers are all there, by their kind."""
        return kinds_of(self._whole or self._without_missing()) or {self._rows[-1].template: []}

    def _without_missing(self) -> dict[Template, list[Row]]:
        """Return lines in which some numbers are always missing, as those of a sensor that is not there, as zeros."""
        rows: dict[Template, list[Row]] = {}
        for row in self._rows:
            rows.setdefault(row.template, []).append(row)
        template = max(rows, key=lambda each: len(rows[each]))
        there = np.isfinite([row.numbers for row in rows[template]])
        if len(rows[template]) < TIME_ROWS or not (there.all(axis=0) | ~there.any(axis=0)).all():
            return {}
        zeros = [replace(row, numbers=tuple(np.nan_to_num(row.numbers).tolist())) for row in rows[template]]
        return {template: zeros}

    def _names(self, template: Template) -> tuple[str, ...]:
        """Return the names of a template's slots: the header's, if it has as many, else those in the line."""
        if len(self._header) == template.slots and not any(template.names):
            return self._header
        return template.names

    def _by_names(self, groups: dict[Template, list[Row]], *, final: bool) -> TextLayout | Question | None:
        """Decide by names, of one template or of several that follow each other."""
        found: list[tuple[Template, NamedColumns]] = []
        doubts: list[str] = []
        for template, rows in groups.items():
            names = self._names(template)
            said = find_acceleration(names, template.units)
            groups_of_axes = accelerometers(names, template.units) if said.axes is None and rows else []
            if said.axes is not None and rows:
                found.append((template, said))
            elif len(groups_of_axes) > 1:
                found += [(template, NamedColumns(axes, unit_of_names(names, axes))) for axes in groups_of_axes]
            elif said.doubt is not None:
                doubts.append(said.doubt)
        found = self._in_units(found)
        named = [each for each in found if names_a_sensor(self._names(each[0]), each[1])] or found
        if are_siblings([template for template, _ in found]):
            named = found
        if named and max(len(groups[template]) for template, _ in named) < 2 and not any(self._header) and not final:
            # Until a kind of line comes again, the other kinds that the device prints are not known.
            return None
        if len(named) == 1:
            template, said = named[0]
            return self._of_one(template, said, groups[template], final=final)
        if len(named) > 1:
            return self._of_many(named, groups, final=final)
        found_across = self._across(groups)
        if found_across.layout is not None:
            # Another line of the same round may print the same sensor in its unit.
            recent = len(self._rows) - 2 * len(groups)
            coming = any(len(rows) == _CYCLES - 1 and rows[-1].at >= recent for rows in groups.values())
            return None if coming and not final else found_across.layout
        doubts += [found_across.doubt] if found_across.doubt else []
        if doubts and (final or len(self._rows) >= TIME_ROWS):
            return Question(doubts[0], "--columns")
        return None

    def _of_many(
        self, named: list[tuple[Template, NamedColumns]], groups: dict[Template, list[Row]], *, final: bool
    ) -> TextLayout | Question | None:
        """Return the layout of the sensor that is wanted among several, or ask."""
        called = [[self._names(template)[slot] for slot in said.axes or ()] for template, said in named]
        chosen = self._selection.pick(called)
        if chosen is not None:
            template, said = named[chosen]
            return self._of_one(template, said, groups[template], final=final)
        # A device that changed what it prints: the lines that came last count.
        latest = self._rows[-1].template
        common = sorted(named, key=lambda each: len(groups[each[0]]))[-1]
        if latest in {template for template, _ in named} and len(groups[latest]) < len(groups[common[0]]) / 2:
            return None if not final else self._of_one(*common, groups[common[0]], final=final)
        if len(groups[common[0]]) < _CYCLES and not final:
            return None
        if not any(names_a_sensor(self._names(template), said) for template, said in named):
            # Two sensors whose names say nothing: gravity speaks for one of them, or for both.
            if min(len(groups[template]) for template, _ in named) < EVIDENCE_ROWS and not final:
                return None
            felt = [each for each in named if feels_gravity(groups[each[0]], each[1])]
            if len(felt) == 1:
                return self._of_one(*felt[0], groups[felt[0][0]], final=final)
        if len({template for template, _ in named}) == 1:
            text = f"there are {len(named)} accelerometers: {' and '.join('/'.join(names) for names in called)}"
        else:
            lines = " and ".join(repr(groups[template][-1].line.strip()[:40]) for template, _ in named)
            text = f"{len(named)} kinds of lines hold an acceleration: {lines}"
        words = [" ".join(words_of_sensor(names)) for names in called]
        unique = all(words) and len(set(words)) == len(words)
        return Question(text, "--columns", which_of(words if unique else [str(at + 1) for at in range(len(named))]))

    def _of_one(
        self, template: Template, said: NamedColumns, rows: list[Row], *, final: bool
    ) -> TextLayout | Question | None:
        """Return the layout of lines that name their axes; with a named time, once that has been watched."""
        if said.axes is None:
            return None
        names = self._names(template)
        if is_label_of_four(template, said.axes):
            # "ACC 4812 0.1 0.2 0.9": the label stands before a time, or "ACC 0.1 0.2 0.9 1.0" before the axes.
            if len(rows) < TIME_ROWS and not final:
                return None
            first, second, third = said.axes
            ticks = [row.numbers[first] for row in rows]
            if behaves_like_time(ticks, self._rate_hz):
                before = time_column(Place(0, first), ticks, name="", rate_hz=self._rate_hz)
                axes = places(0, (second, third, third + 1))
                return TextLayout((template,), axes, (), before, declared_unit([said.unit]))
        place = time_by_name(names)
        others = set(range(template.slots)) - set(said.axes)
        is_open = place in others or template.has_last_words or may_be_number([row.numbers for row in rows], others)
        if len(rows) < TIME_ROWS and not final and is_open:
            return None
        number = sensor_number([row.numbers for row in rows], axes=said.axes, names=names)
        if number is not None and number[0] == place:
            place = None
        units = [template.units[slot] for slot in said.axes]
        if said.unit is None and len(set(units) - {None}) > 1:
            return self._unclear("x, y and z are in different units")
        unit = said.unit if said.unit is not None else units[0] if len(set(units)) == 1 else None
        time = None
        if place is not None and place not in said.axes:
            ticks = [row.numbers[place] for row in rows]
            time = time_column(Place(0, place), ticks, name=names[place], rate_hz=self._rate_hz)
        layout = TextLayout(
            (template,),
            places(0, said.axes),
            tuple(names[slot] for slot in said.axes),
            time,
            declared_unit([unit]),
        )
        return self._only(layout, number, rows)

    def _only(
        self, layout: TextLayout, number: tuple[int, tuple[int, ...]] | None, rows: list[Row]
    ) -> TextLayout | Question:
        """Let a layout hold for the lines of the wanted sensor, where a number tells several apart."""
        if number is None:
            return layout
        slot, values = number
        name = self._names(layout.templates[0])[slot]
        chosen = self._selection.pick([[f"{name} {value}"] for value in values]) if name else None
        if self._selection.name.isdecimal() and int(self._selection.name) in values:
            chosen = values.index(int(self._selection.name))
        if chosen is None:
            which = f"{name!r}" if name else f"number {slot + 1}"
            text = (
                f"a line is {rows[-1].line.strip()[:_SHOWN_LETTERS]!r}: its {which} tells {len(values)} sensors apart"
            )
            return Question(text, "--columns", which_of([str(value) for value in values]))
        value = float(values[chosen])
        time = layout.time
        if time is not None:
            own = [row.numbers[time.place.slot] for row in rows if row.numbers[slot] == value]
            time = time_column(
                time.place, own, name=self._names(layout.templates[0])[time.place.slot], rate_hz=self._rate_hz
            )
        return replace(layout, time=time, only=(Place(0, slot), value))

    def _across(self, groups: dict[Template, list[Row]], columns: tuple[str, ...] = ()) -> Across:
        """Return the layout of samples that take several lines, or what is doubtful."""
        often = [template for template, rows in groups.items() if len(rows) >= _CYCLES]
        parts = [Part(each, slot, name) for each in often for slot, name in enumerate(self._names(each))]
        return across(parts, columns=columns)

    def _in_units(self, found: list[tuple[Template, NamedColumns]]) -> list[tuple[Template, NamedColumns]]:
        """Leave out a sensor's counts where it is also printed in a unit: ``X: 2524 ..``, then ``X: 1.51 .. m/s^2``."""
        units = [said.unit or common_unit(template.units[slot] for slot in said.axes or ()) for template, said in found]
        in_units = [each for each, unit in zip(found, units, strict=True) if unit in OF_ACCELERATION]
        in_counts = [each for each, unit in zip(found, units, strict=True) if unit in (None, COUNTS)]
        return in_units if len(in_units) == 1 and len(in_counts) == len(found) - 1 else found

    def _of_siblings(
        self, siblings: list[Template], groups: dict[Template, list[Row]], *, final: bool
    ) -> TextLayout | Question | None:
        """Return the layout of the wanted one of sensors whose lines are written alike and take turns, or ask."""
        if sum(len(groups[each]) for each in siblings) < TIME_ROWS and not final:
            return None
        texts = [f"{each.constants[0]} {each.constants[-1]}" for each in siblings]
        chosen = self._selection.pick([[text] for text in texts])
        if chosen is not None:
            return self._bare(siblings[chosen], groups[siblings[chosen]], final=final)
        lines = " and ".join(repr(groups[each][-1].line.strip()[:40]) for each in siblings[:_CYCLES])
        words = [" ".join(words_of_sensor([text])) for text in texts]
        text = f"{len(siblings)} kinds of lines take turns, as those of several sensors do: {lines}"
        return Question(text, "--columns", which_of(words))

    def _bare(self, template: Template, rows: list[Row], *, final: bool) -> TextLayout | Question | None:
        """Decide on lines of numbers without names."""
        if template.has_last_words and len(rows) < TIME_ROWS and not final:
            # Words may tell sensors apart that take turns.
            return None
        if template.slots == 3 and rows:
            return TextLayout((template,), places(0, (0, 1, 2)))
        if template.slots < 3:
            enough = final or len(self._rows) >= EVIDENCE_ROWS
            few = f"{template.slots} number{'s' * (template.slots > 1)} a line without names are no x, y and z"
            return replace(self._unclear(few), option="", answer=_PRINT_ALL) if enough else None
        if len(rows) < TIME_ROWS and not final:
            return None
        ticks = {slot: [row.numbers[slot] for row in rows] for slot in (0, template.slots - 1)}
        times = [slot for slot, column in ticks.items() if behaves_like_time(column, self._rate_hz)][:1]
        if times and len(rows) < EVIDENCE_ROWS and not final and not all(map(float.is_integer, ticks[times[0]])):
            # An axis may rise evenly for a moment, but not by whole numbers.
            return None
        numbers = [row.numbers for row in rows]
        number = sensor_number(numbers, axes=(), names=(), times=times) if template.slots > 3 else None
        known = [*times, *([] if number is None else [number[0]])]
        left = [slot for slot in range(template.slots) if slot not in known]
        axes: tuple[int, int, int] | None = None
        reason = ""
        if len(left) == 3:
            axes = (left[0], left[1], left[2])
        elif rows and (len(rows) >= EVIDENCE_ROWS or final):
            evidence = find_axes(np.array(numbers, np.float64), times=known)
            axes, reason = evidence.axes, evidence.reason
            if evidence.fitting:
                # Looked at often enough, any sensor fits by chance: the right one fits every time.
                self._fitting = evidence.fitting & (self._fitting or evidence.fitting)
                axes = axes if axes in self._fitting else None
        if axes is None:
            return self._unclear(reason or "the columns have no names") if final else None
        time = None
        if times:
            time = time_column(
                Place(0, times[0]), [row.numbers[times[0]] for row in rows], name="", rate_hz=self._rate_hz
            )
        return self._only(TextLayout((template,), places(0, axes), (), time), number, rows)

    def _all_declared(self, columns: tuple[str, ...], *, final: bool) -> TextLayout | Question | None:
        """Find the columns of acceleration and of the turning rate that a person has declared."""
        found = self._declared(columns[:3], final=final)
        if len(columns) == 3 or not isinstance(found, TextLayout):
            return found
        template = found.templates[0]
        names = [plain(name) for name in self._names(template)]
        slots = [slot for column in columns[3:] if (slot := slot_of(column, names, template.slots)) is not None]
        taken = {place.slot for place in found.axes} | ({found.time.place.slot} if found.time else set())
        if len(found.templates) > 1 or len({*slots, *taken}) < 6 + (found.time is not None):
            return Question(f"the columns {', '.join(columns)} are not six different ones of a line", "--columns")
        return replace(found, turning=tuple(Place(0, slot) for slot in slots))

    def _declared(self, columns: tuple[str, ...], *, final: bool) -> TextLayout | Question | None:
        """Find the columns that a person has declared."""
        groups = self._by_template()
        for template, rows in sorted(groups.items(), key=lambda each: -len(each[1])):
            names = [plain(name) for name in self._names(template)]
            slots = [slot_of(column, names, template.slots) for column in columns]
            if None in slots or len(set(slots)) < 3:
                continue
            x, y, z = (int(slot) for slot in slots if slot is not None)
            said = NamedColumns((x, y, z), find_acceleration(self._names(template)).unit)
            if len(rows) < TIME_ROWS and not final and template.slots > 3:
                return None
            layout = self._of_one(template, said, rows, final=True)
            if layout is None or isinstance(layout, Question) or layout.time is not None or any(names):
                return layout
            ticks = [row.numbers[0] for row in rows[:TIME_ROWS]]
            if 0 not in (x, y, z) and behaves_like_time(ticks, self._rate_hz):
                time = time_column(Place(0, 0), [row.numbers[0] for row in rows], name="", rate_hz=self._rate_hz)
                return TextLayout(layout.templates, layout.axes, layout.names, time, layout.unit)
            return layout
        several = self._across(groups, columns).layout
        if several is not None or (not final and len(self._rows) < EVIDENCE_ROWS):
            return several
        there = sorted({name for template in groups for name in self._names(template) if name})
        listed = f"there are {', '.join(there)}" if there else "the lines name no columns: count them from 1"
        return Question(f"no line has the columns {', '.join(columns)}; {listed}", "--columns")

    def _there(self) -> str:
        """Return the names that lines come back with, to be told."""
        kinds = [template for template, rows in self._by_template().items() if len(rows) >= _CYCLES]
        there = list(dict.fromkeys(name for each in kinds for name in self._names(each) if name))
        if not there:
            return ": the words change from line to line, and only decimal numbers are read"
        return f": {', '.join(there[:_MOST_SHOWN])}{', …' if len(there) > _MOST_SHOWN else ''}"

    def _unclear(self, why: str) -> Question:
        """Return the question of a stream that cannot be understood alone, with a line of it."""
        line = self._rows[-1].line.strip()
        shown = line if len(line) <= _SHOWN_LETTERS else line[: _SHOWN_LETTERS - 1] + "…"
        return Question(f"a line is {shown!r}: {why}", "--columns")

    def _use_decimal_commas(self) -> None:
        """Read the lines again with commas inside numbers."""
        self._decimal_comma = True
        lines = [row.line for row in self._rows]
        self._forget()
        for line in lines:
            self.add(line)
