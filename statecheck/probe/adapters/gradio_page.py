"""A Gradio page as a browser has it: what its components hold, and what is set off when one of them is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import labels

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Ask = Callable[[dict[str, Any], list[Any]], Awaitable[dict[str, Any]]]
    """Sends a function's inputs to the server: its dependency, the inputs; gives the output."""

_TEXTS = ("textbox", "multimodaltextbox")
_MOST_CALLS = 60  # that one click sets off: a page may go round in circles


class Page:
    """The page's components and functions, of `/config`.

    Args:
        config: what the server says of the page.
        values: what the components hold, by their id as text; what they begin with if nothing is given.
    """

    def __init__(self, config: dict[str, Any], values: dict[str, Any] | None = None) -> None:
        self.components = {component["id"]: component for component in config["components"]}
        self.functions: list[dict[str, Any]] = [
            {"id": number, **function} for number, function in enumerate(config["dependencies"])
        ]
        begin = {str(key): component["props"].get("value") for key, component in self.components.items()}
        self.values = {**begin, **(values or {})}

    def entry(self) -> tuple[int, int, str] | None:
        """Where a visitor writes: the text box, and the component and event that send it. None if nowhere."""
        found = [
            (self._likely(box, component, event, function), box, component, event)
            for function in self.functions
            for component, event in _targets(function)
            for box in self._boxes(function, component, event)
        ]
        best = max(found, key=lambda one: one[0], default=None)
        return best[1:] if best is not None else None

    def write(self, box: int, message: str, who: str) -> None:
        """Write a message into a text box, and into the others what they ask of a visitor."""
        for key, component in self.components.items():
            if component["type"] == "textbox" and key != box and self._is_shown(key):
                text = labels.text_to_type(self._label(key), who)
                self.values[str(key)] = self.values[str(key)] or text if text != who else text
        several = self.components[box]["type"] == "multimodaltextbox"
        self.values[str(box)] = {"text": message, "files": []} if several else message

    async def happen(self, component: int | None, event: str, ask: Ask) -> list[Any]:
        """Run what is bound to an event and what that sets off; the values that came back.

        Raises:
            Exception: the first that a function of the page raised, after what follows a failure has run.
        """
        answers: list[Any] = []
        failure: Exception | None = None
        waiting = self._bound(component, event)
        for _ in range(_MOST_CALLS):
            if not waiting:
                break
            function, *waiting = waiting
            changed: list[int] = []
            failed = False
            if function.get("backend_fn"):
                try:
                    output = await ask(function, [self._value_of(key) for key in function["inputs"]])
                    answers += output["data"]
                    changed = [*self._take(function, output["data"]), *(output.get("changed_state_ids") or ())]
                except Exception as error:  # noqa: BLE001 - raised when all has run
                    failure, failed = failure or error, True
            waiting = [*self._after(function, failed=failed), *waiting]
            waiting += [f for key in changed for f in self._bound(key, "change") if f not in waiting]
        if failure is not None:
            raise failure
        return answers

    def _bound(self, component: int | None, event: str) -> list[dict[str, Any]]:
        found = [f for f in self.functions if any(e == event and component in (None, c) for c, e in _targets(f))]
        return [f for f in found if f.get("trigger_after") is None]

    def _after(self, function: dict[str, Any], *, failed: bool) -> list[dict[str, Any]]:
        return [
            other
            for other in self.functions
            if other.get("trigger_after") == function["id"] and not (failed and other.get("trigger_only_on_success"))
        ]

    def _value_of(self, key: int) -> Any:
        return None if self.components[key]["type"] == "state" else self.values.get(str(key))

    def _take(self, function: dict[str, Any], data: list[Any]) -> list[int]:
        """Put what a function returned into its outputs; those that changed by it."""
        changed = []
        for key, output in zip(function["outputs"], data, strict=False):
            value = output
            if isinstance(output, dict) and output.get("__type__") == "update":
                props = self.components[key]["props"]
                props.update({name: prop for name, prop in output.items() if name not in ("__type__", "value")})
                value = output.get("value", self.values.get(str(key)))
            if self.values.get(str(key)) != value and self.components[key]["type"] != "state":
                changed.append(key)
            self.values[str(key)] = value
        return changed

    def _boxes(self, function: dict[str, Any], component: int, event: str) -> Iterable[int]:
        """The text boxes that a function may get a message from, when this component has this event."""
        if not self._is_shown(component) or event not in ("submit", "click", "input", "change"):
            return ()
        kind = self.components[component]["type"]
        if event != "click":
            return (component,) if kind in _TEXTS and component in function["inputs"] else ()
        if kind != "button":
            return ()
        return [key for key in function["inputs"] if self.components[key]["type"] in _TEXTS and self._is_shown(key)]

    def _likely(self, box: int, component: int, event: str, function: dict[str, Any]) -> int:
        label = self._label(box)
        answers = {self.components[key]["type"] for each in self._chain(function) for key in each["outputs"]}
        button = str(self.components[component]["props"].get("value") or "") if event == "click" else ""
        return (
            10 * (labels.text_to_type(label, "who") is None)
            + 4 * ("chatbot" in answers)
            + 2 * labels.is_message(label)
            + 3 * (event == "submit")
            + (2 * bool(labels.SENDS.search(button)) - 8 * bool(labels.SPOILS.search(button)))
            - 20 * (event in ("input", "change"))
        )

    def _chain(self, function: dict[str, Any]) -> list[dict[str, Any]]:
        """A function and those that follow it."""
        chain = [function]
        for each in chain:
            chain += [other for other in self._after(each, failed=False) if other not in chain]
        return chain

    def _is_shown(self, key: int) -> bool:
        component = self.components.get(key)  # the page itself is none
        return component is not None and component["props"].get("visible") in (True, None)

    def _label(self, key: int) -> str:
        props = self.components[key]["props"]
        named = (text for text in (props.get("label"), props.get("placeholder")) if isinstance(text, str))
        return labels.words(next(filter(None, named), ""))


def _targets(function: dict[str, Any]) -> list[tuple[int, str]]:
    """(component, event) each by which a function is run; older versions list components alone."""
    return [(t[0], t[1]) for t in function["targets"] if isinstance(t, (list, tuple)) and t[0] is not None]
