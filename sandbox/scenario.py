"""What happens in a sandbox, as data: how buyers behave, what goes wrong, and how long things take.

A scenario is a YAML file in `sandbox/scenarios`, or anywhere; `like: everyday` says that only what differs follows.
The same scenario and seed tell the same story.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt, ValidationError, field_validator

from sandbox.faults import Fault
from sandbox.goods import SOLD, UNMAPPED_SKU
from sandbox.wms_troubles import Trouble

SCENARIOS = Path(__file__).with_name("scenarios")
DEFAULT = "everyday"
SKUS = (*(listing.sku for listing in SOLD), UNMAPPED_SKU)

Chance = Annotated[float, Field(ge=0, le=1)]


class ScenarioError(Exception):
    """The scenario is not there, or says what cannot be meant; the message names file, field and value."""


class _Said(BaseModel):
    """A misspelt field is an error, not a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Chances(_Said):
    """How likely each trait of an order is; named like the fields of `sandbox.traits.Traits`."""

    channel_fulfilled: Chance | None = None
    channel_tax: Chance | None = None
    cancel: Chance | None = None
    duplicates: Chance | None = None
    """That three copies of its webhooks are sent."""
    lose_webhook: Chance | None = None
    """That none of its webhooks arrives."""
    tax_trouble: Chance | None = None
    discount: Chance | None = None
    gift: Chance | None = None
    asks_to_cancel: Chance | None = None
    cancels_part: Chance | None = None
    returns: Chance | None = None
    short_pick: Chance | None = None
    """That a node finds one unit fewer on the shelf than the books say."""
    rejected: Chance | None = None
    """That a node refuses the release."""
    silent: Chance | None = None
    suspect: Chance | None = None
    no_address: Chance | None = None

    def of(self, trait: str) -> float | None:
        chance: float | None = getattr(self, trait)
        return chance


class Special(_Said):
    """The story of one of a channel's first orders; what is not said is plain."""

    items: dict[str, PositiveInt] | None = None
    """SKU -> units; drawn when absent."""
    channel_fulfilled: bool = False
    channel_tax: bool = False
    cancel: bool = False
    duplicates: PositiveInt = 1
    lose_webhook: bool = False
    tax_trouble: bool = False
    discount: bool = False
    gift: bool = False
    asks_to_cancel: bool = False
    cancels_part: bool = False
    returns: bool = False
    short_pick: bool = False
    rejected: bool = False
    silent: bool = False
    suspect: bool = False
    no_address: bool = False

    @field_validator("items")
    @classmethod
    def _are_sold(cls, items: dict[str, int] | None) -> dict[str, int] | None:
        if items is not None and (not items or set(items) - set(SKUS)):
            raise ValueError(f"an order is of {', '.join(SKUS)}")
        return items


class ChannelScenario(_Said):
    """What is different on one channel."""

    chances: Chances = Chances()
    first: dict[PositiveInt, Special] = Field(default_factory=dict)


class Delays(_Said):
    """Seconds."""

    ship: NonNegativeFloat = 0.2
    """Between a release and its first parcel."""
    job: NonNegativeFloat = 0.2
    """That a channel takes for what it does later (feeds, imports, jobs)."""


class WebhookTrouble(_Said):
    """What becomes of each single delivery of a channel, beside the traits of its order."""

    lost: Chance = 0.0
    doubled: Chance = 0.0
    held_back: Chance = 0.0
    """That later ones overtake it."""
    held_back_seconds: NonNegativeFloat = 2.0


class Scenario(_Said):
    about: str = ""
    seed: int = 7
    quota_scale: Annotated[float, Field(gt=0)] = 1.0
    """1 = each vendor's published quota."""
    delays: Delays = Delays()
    webhooks: WebhookTrouble = WebhookTrouble()
    faults: tuple[Fault, ...] = ()
    warehouse: tuple[Trouble, ...] = ()
    """What goes wrong with releases, beside the traits of their orders."""
    chances: Chances = Chances()
    """Of every channel that does not say otherwise; 0 where nothing is said."""
    first: dict[PositiveInt, Special] = Field(default_factory=dict)
    """Number of an order (from 1) -> its story; a channel's own comes first."""
    channels: dict[str, ChannelScenario] = Field(default_factory=dict)

    def chance(self, channel: str, trait: str) -> float:
        said = (self._of(channel).chances.of(trait), self.chances.of(trait), 0.0)
        return next(chance for chance in said if chance is not None)

    def special(self, channel: str, number: int) -> Special | None:
        return self._of(channel).first.get(number) or self.first.get(number)

    def _of(self, channel: str) -> ChannelScenario:
        return self.channels.get(channel) or ChannelScenario()

    def check(self, channels: Mapping[str, object], operations: set[str]) -> None:
        """Raises `ScenarioError` for a channel or an operation that the sandbox does not have."""
        if strange := sorted(set(self.channels) - set(channels)):
            raise ScenarioError(f"channels: there is no {', '.join(strange)}; there are {', '.join(channels)}")
        for number, fault in enumerate(self.faults):
            if not any(fault.covers(operation) for operation in operations):
                raise ScenarioError(f"faults.{number}.operation: nothing is called {fault.operation!r}")


def load_scenario(name: str | Path) -> Scenario:
    """A scenario by its name (`rough`) or its file (`./mine.yaml`). Raises `ScenarioError`."""
    file = _file(name)
    try:
        return Scenario.model_validate(_said(file))
    except ValidationError as error:
        raise ScenarioError("\n".join(f"{file}: {line}" for line in _problems(error))) from error


@cache
def everyday() -> Scenario:
    """What a sandbox does when nothing else is asked for."""
    return load_scenario(DEFAULT)


def names() -> list[str]:
    return sorted(file.stem for file in SCENARIOS.glob("*.yaml"))


def _file(name: str | Path) -> Path:
    file = Path(name)
    return file if file.suffix in (".yaml", ".yml") else SCENARIOS / f"{name}.yaml"


def _said(file: Path, below: tuple[Path, ...] = ()) -> dict[str, Any]:
    """What a file says, over what the scenario says that it is `like`."""
    if file in below:
        raise ScenarioError(f"{file}: like: goes round in a circle")
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise ScenarioError(
            f"no scenario {file.stem!r}: there are {', '.join(names())}, or give a .yaml file"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{file}: {error}") from error
    if not isinstance(said, dict):
        raise ScenarioError(f"{file}: fields are expected, not {said!r}")
    base = said.pop("like", None)
    return _over(_said(_file(str(base)), (*below, file)), said) if base is not None else said


def _over(base: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Field by field: what is said counts, and what is not said is as in the base."""
    deeper = [name for name in said if isinstance(said[name], dict) and isinstance(base.get(name), dict)]
    return {**base, **said, **{name: _over(base[name], said[name]) for name in deeper}}


def _problems(error: ValidationError) -> list[str]:
    return [
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']} (is {problem['input']!r})"
        for problem in error.errors(include_url=False)
    ]
