"""OptionManager: named settings with their types and ranges, for the host's advanced options and for ServiceContent.setting.

Law: an option stands in a table only where its value is true here: a note that clients keep, or a fact of this server (`told`,
which cannot be changed). Kept values are the store's, one fact for each manager; what no longer fits its option counts as unset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..engine.call import Call
from ..engine.managed_object import ManagedObject, operation, prop
from ..engine.site import Site
from ..wsdl import Long, vim

LONGEST = 64 << 10


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: string, long, int, bool, choice. `told` gives the value where it is a fact of the server."""

    key: str
    label: str
    summary: str = ""
    kind: str = "string"
    default: Any = ""
    least: int = 0
    most: int = 2**31 - 1
    choices: tuple[str, ...] = ()
    told: Callable[[Site], Any] | None = None


class OptionManager(ManagedObject):
    def __init__(self, site: Site, value: str, options: Sequence[Option] = ()):
        super().__init__(site.graph, value)
        self.site = site
        self._options = {option.key: option for option in options}
        self._fact = f"options.{value}"
        kept = site.store.facts.get(self._fact, {}) if site.store is not None else {}
        good = {k: v for k, v in kept.items() if k in self._options and self._fits(self._options[k], v)}
        self._kept = site.graph.cell(good)

    @staticmethod
    def _fits(option: Option, value: Any) -> bool:
        if option.kind == "bool":
            return isinstance(value, bool)
        if option.kind in ("long", "int"):
            return isinstance(value, int) and not isinstance(value, bool) and option.least <= value <= option.most
        if option.kind == "choice":
            return value in option.choices
        return isinstance(value, str) and len(value) <= LONGEST

    def _value(self, option: Option) -> Any:
        value = option.told(self.site) if option.told is not None else self._kept.get().get(option.key, option.default)
        return vim.OptionValue(key=option.key, value=Long(value) if option.kind == "long" else value)

    @prop
    def setting(self) -> Any:
        return [self._value(option) for option in self._options.values()]

    @prop
    def supportedOption(self) -> Any:
        return [definition(option) for option in self._options.values()]

    @operation
    def QueryOptions(self, call: Call, name: str | None = None) -> list[Any]:
        """One by its key, all below a prefix that ends in a dot, or all. InvalidName where there is none."""
        if not name:
            return self.setting()
        found = [o for key, o in self._options.items() if key == name or (name.endswith(".") and key.startswith(name))]
        if not found:
            raise vim.InvalidName(name=name, entity=None)
        return [self._value(option) for option in found]

    @operation
    def UpdateOptions(self, call: Call, changedValue: Any) -> None:
        """All or none. InvalidName for an unknown key, InvalidArgument for a value that its type or range refuses."""
        changed = dict(self._kept.get())
        for given in changedValue or ():
            option = self._options.get(given.key)
            if option is None:
                raise vim.InvalidName(name=given.key, entity=None)
            if option.told is not None or not self._fits(option, given.value):
                raise vim.InvalidArgument(invalidProperty=f"changedValue[{given.key}]")
            changed[option.key] = int(given.value) if option.kind in ("long", "int") else given.value
        self.site.store.facts.put(self._fact, changed)
        self._kept.set(changed)


def definition(option: Option) -> Any:
    """OptionDef."""
    return vim.OptionDef(
        label=option.label, summary=option.summary or option.label, key=option.key, optionType=_type(option)
    )


def _type(option: Option) -> Any:
    fixed = option.told is not None
    if option.kind == "bool":
        return vim.BoolOption(valueIsReadonly=fixed, supported=not fixed, defaultValue=option.default)
    if option.kind == "long":
        return vim.LongOption(valueIsReadonly=fixed, min=option.least, max=option.most, defaultValue=option.default)
    if option.kind == "int":
        return vim.IntOption(valueIsReadonly=fixed, min=option.least, max=option.most, defaultValue=option.default)
    if option.kind == "choice":
        choices = [vim.ElementDescription(label=word, summary=word, key=word) for word in option.choices]
        return vim.ChoiceOption(valueIsReadonly=fixed, choiceInfo=choices, defaultIndex=option.choices.index(option.default))
    return vim.StringOption(valueIsReadonly=fixed, defaultValue=option.default)
