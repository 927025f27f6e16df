"""What the dashboard's page may see and ask.

================  ==================================================================================================
a page asks       what happens
================  ==================================================================================================
``switch``        another ``model``, ``engine``, ``quantization`` classifies from the next sample on
``begin, end``    a take of an ``activity`` by a ``subject``
``keep``          what is on the screen becomes a take
``guide``         a script of ``activities``, ``seconds`` each, leads the wearer
``discard``       a take, by its ``number``, is thrown away; ``rename`` gives it another ``activity``
``fit``           the model is fitted to ``captures``; ``cancel`` ends that
``play``          a ``capture`` is classified by a ``model``, for this page alone
================  ==================================================================================================

Requests come in the threads of pages. What takes long is done in one worker thread, one after the other.
"""

import datetime
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from edgehar.commands.dashboard_service.catalog import AUTO, Catalog, Model
from edgehar.commands.dashboard_service.fitting import Fitting, FittingState
from edgehar.commands.dashboard_service.requests import name_in, names_in, number_in, steps_in, text_in
from edgehar.firmware_bridge.live.loop import LiveLoop
from edgehar.firmware_bridge.live.pipeline import Classifier
from edgehar.firmware_bridge.live.replay import replay
from edgehar.firmware_bridge.live.sinks.dashboard import DashboardSink
from edgehar.firmware_bridge.record.take_state import RecorderState
from edgehar.firmware_bridge.record.takes_in_background import SCREEN_S, TakeRecorder
from edgehar.firmware_bridge.web.mailboxes import Mailboxes
from edgehar.models import __version__
from edgehar.models.bundle import Bundle
from edgehar.models.capture_file import read_capture
from edgehar.models.engines import Engine, load_engine
from edgehar.models.errors import HarError, UsageError
from edgehar.models.foreign_text import printable
from edgehar.models.mounting import MountedEngine, Mounting

_BREATH_S: Final = 0.001
_log = logging.getLogger(__name__)

Reply = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Running:
    """Which model runs, on which engine."""

    model: str
    engine: str
    quantization: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {"model": self.model, "engine": self.engine, "quantization": self.quantization}


class DashboardService:
    """Answer pages.

    Parameters
    ----------
    catalog
        What pages may name.
    mailboxes
        Where news for all pages go.
    running
        Which model the session begins with.
    sink
        Of a live session; None where there is only something to play.
    mounting
        How the sensor is mounted, where that is not as in training.
    """

    def __init__(
        self,
        catalog: Catalog,
        mailboxes: Mailboxes,
        running: Running,
        *,
        sink: DashboardSink | None = None,
        mounting: Mounting | None = None,
    ) -> None:
        self._catalog, self._mailboxes, self._running = catalog, mailboxes, running
        self._sink, self._mounting = sink, mounting
        self.recorder: TakeRecorder | None = None
        self.loop: LiveLoop | None = None
        self._ended = ""
        self._fitting = Fitting(self._offer, self._fitting_changed)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dashboard")
        self._actions: dict[str, Callable[[dict[str, Any], Reply], None]] = {
            "switch": self._switch,
            "begin": self._begin,
            "end": lambda request, reply: self._recorder().end(),
            "keep": self._keep,
            "guide": self._guide,
            "discard": lambda request, reply: self._recorder().discard(number_in(request, "number")),
            "rename": self._rename,
            "fit": self._fit,
            "cancel": lambda request, reply: self._fitting.cancel(),
            "play": self._play,
        }

    def welcome(self) -> dict[str, Any]:
        """Return everything a new page shows."""
        recorder = self.recorder.state if self.recorder is not None else RecorderState()
        return {
            "version": __version__,
            "live": None if self._sink is None else self._sink.snapshot(),
            "ended": self._ended,
            "models": [model.description for model in self._catalog.models()],
            "running": self._running.to_json(),
            "recorder": recorder.to_json(),
            "screen_s": SCREEN_S,
            "captures": self._catalog.captures_as_json(),
            "fitting": self._fitting.state.to_json(),
        }

    def asked(self, request: dict[str, Any], reply: Reply) -> None:
        """Act on a request; what cannot be done is said to the page that asked."""
        action = self._actions.get(request["do"])
        if action is not None:
            self._guarded(lambda: action(request, reply), reply)

    def recorder_changed(self, state: RecorderState) -> None:
        """Tell pages how recording stands."""
        self._mailboxes.publish({"kind": "recorder", **state.to_json()})
        if not state.activity:
            self._mailboxes.publish({"kind": "captures", "captures": self._catalog.captures_as_json()})

    def ended(self, why: str) -> None:
        """Tell pages that the session has ended, and why."""
        self._ended = printable(why)
        self._mailboxes.publish({"kind": "ended", "text": self._ended})

    def close(self) -> None:
        """End what runs."""
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._fitting.close()
        if self.recorder is not None:
            self.recorder.close()

    def _guarded(self, action: Callable[[], None], reply: Reply) -> None:
        """Do something, and say what goes wrong."""
        try:
            action()
        except HarError as error:
            reply({"kind": "problem", "text": printable(str(error))})
        except Exception as error:
            _log.exception("a request of a page failed")
            reply({"kind": "problem", "text": f"internal error, a bug in edgehar ({type(error).__name__})"})

    def _later(self, action: Callable[[], None], reply: Reply) -> None:
        """Do what takes long, after what was asked before."""
        self._worker.submit(self._guarded, action, reply)

    def _mounted(self, engine: Engine, bundle: Bundle) -> Classifier:
        """Return what takes the sensor's samples as they are: turned first, unless the model is made for that."""
        fitted = bundle.manifest.provenance.configuration.get("personalized")
        knows = isinstance(fitted, dict) and fitted.get("mounting") is not None
        return engine if self._mounting is None or knows else MountedEngine(engine, self._mounting)

    def _recorder(self) -> TakeRecorder:
        """Return what records."""
        if self.recorder is None or self._ended:
            raise UsageError("Expected a live sensor to record, there is none.")
        return self.recorder

    def _switch(self, request: dict[str, Any], reply: Reply) -> None:
        """Change the model, the engine or both."""
        model = self._catalog.model(text_in(request, "model"))
        engine, quantization = text_in(request, "engine") or AUTO, text_in(request, "quantization") or "float32"

        def switch() -> None:
            bundle = model.open()
            runner = load_engine(bundle, engine, quantization)
            if self.loop is not None and not self._ended:
                self.loop.use_model(self._mounted(runner, bundle), bundle.manifest)
            self._running = Running(model.name, runner.name, runner.quantization)
            self._mailboxes.publish({"kind": "running", **self._running.to_json()})

        self._later(switch, reply)

    def _begin(self, request: dict[str, Any], reply: Reply) -> None:
        """Begin a take."""
        activity, subject = _activity(request), _subject(request)
        self._recorder().begin(activity, subject=subject)

    def _keep(self, request: dict[str, Any], reply: Reply) -> None:
        """Keep what is on the screen."""
        self._recorder().keep_screen(_activity(request), subject=_subject(request))

    def _guide(self, request: dict[str, Any], reply: Reply) -> None:
        """Lead the wearer."""
        steps, subject = steps_in(request), _subject(request)
        self._recorder().guide(steps, subject=subject)

    def _rename(self, request: dict[str, Any], reply: Reply) -> None:
        """Give a take another label."""
        self._recorder().rename(number_in(request, "number"), _activity(request))

    def _fit(self, request: dict[str, Any], reply: Reply) -> None:
        """Fit the model to captures."""
        model = self._catalog.model(text_in(request, "model") or self._running.model)
        captures = [self._catalog.capture(name) for name in names_in(request, "captures")]
        now = datetime.datetime.now(datetime.UTC)
        out = self._catalog.recordings / f"{model.path.resolve().name}-mine-{now:%Y%m%dT%H%M%S}"
        self._fitting.start(model.path, out, captures, mounting=self._mounting)

    def _offer(self, path: Any) -> str:
        """Offer a bundle that was made."""
        model: Model = self._catalog.add(path)
        self._mailboxes.publish({"kind": "models", "models": [each.description for each in self._catalog.models()]})
        return model.name

    def _fitting_changed(self, state: FittingState) -> None:
        """Tell pages how fitting stands."""
        self._mailboxes.publish({"kind": "fitting", **state.to_json()})

    def _play(self, request: dict[str, Any], reply: Reply) -> None:
        """Classify a capture for one page."""
        path = self._catalog.capture(text_in(request, "capture"))
        model = self._catalog.model(text_in(request, "model") or self._running.model)
        running = self._running

        def play() -> None:
            chosen = running if running.model == model.name else Running(model.name, AUTO, "float32")
            bundle = model.open()
            engine = load_engine(bundle, chosen.engine, chosen.quantization)
            turned = self._mounted(engine, bundle)
            found = replay(read_capture(path), turned, bundle.manifest, pause=lambda: time.sleep(_BREATH_S))
            reply({"kind": "playback", "capture": printable(path.name), "model": model.name, **found.to_json()})

        self._later(play, reply)


def _activity(request: dict[str, Any]) -> str:
    """Return the name of an activity."""
    return name_in(request, "activity", "the name of an activity")


def _subject(request: dict[str, Any]) -> str:
    """Return who wears the sensor."""
    return name_in(request, "subject", "a name for who wears the sensor")
