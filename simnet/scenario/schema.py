"""The scenario: what a user writes, checked."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from simnet.channel.mobility import MOBILITIES, MobilityConfig
from simnet.channel.position import POSITIONS, PositionConfig
from simnet.compute.cards import MODELS, ModelCard, ModelName
from simnet.compute.power import POWERS, PowerConfig
from simnet.compute.slm import SLMS, SlmConfig
from simnet.compute.step_time import STEP_TIMES, StepTimeConfig
from simnet.link.downlink import DOWNLINKS, DownlinkConfig
from simnet.protocol.base import PROTOCOLS, ProtocolConfig
from simnet.protocol.ledger import Ledger
from simnet.registry import Config
from simnet.scenario.families import discover_all
from simnet.scenario.live import LiveModels, refusal
from simnet.scenario.network import Fault, NetworkSection, network_faults
from simnet.scenario.sweep import Sweep
from simnet.scenario.uplink import Uplink, radio_faults
from simnet.scheduling.routing import ROUTINGS, RoutingConfig, Sticky
from simnet.server.batching import BATCHINGS, BatchingConfig, ContinuousBatching
from simnet.units import Data, Decibel, Duration, Power
from simnet.workload.traffic import TRAFFICS, TrafficConfig

discover_all()

if TYPE_CHECKING:  # a member of each family, told apart by its kind
    AnyMobility = MobilityConfig
    AnyPosition = PositionConfig
    AnySlm = SlmConfig
    AnyPower = PowerConfig
    AnyStepTime = StepTimeConfig
    AnyDownlink = DownlinkConfig
    AnyProtocol = ProtocolConfig
    AnyBatching = BatchingConfig
    AnyRouting = RoutingConfig
    AnyTraffic = TrafficConfig
else:
    AnyMobility = MOBILITIES.schema()
    AnyPosition = POSITIONS.schema()
    AnySlm = SLMS.schema()
    AnyPower = POWERS.schema()
    AnyStepTime = STEP_TIMES.schema()
    AnyDownlink = DOWNLINKS.schema()
    AnyProtocol = PROTOCOLS.schema()
    AnyBatching = BATCHINGS.schema()
    AnyRouting = ROUTINGS.schema()
    AnyTraffic = TRAFFICS.schema()

FEWEST_REPLICATIONS = 3
"""From which on sequential stopping may decide."""


class Stop(Config):
    """When a run ends, and from when on it is measured. One of duration and requests."""

    duration: Duration | None = Field(None, gt=0, description="Simulated time of a run")
    requests: int | None = Field(None, ge=1, description="Answers after which a run ends")
    warmup: Literal["mser-5"] | Annotated[Duration, Field(ge=0)] = Field(
        0.0, description="Simulated time before measuring begins, or mser-5: found by that rule"
    )

    @property
    def warmup_s(self) -> float:
        """Time before measuring begins [s]; 0 where a rule finds it from the run."""
        return 0.0 if isinstance(self.warmup, str) else self.warmup


class Until(Config):
    """Replications go on until the mean of a metric is known well enough."""

    metric: str = Field(description="Metric to watch, such as output_tokens_per_s")
    relative_half_width: float = Field(
        gt=0, lt=1, description="Half-width of the 95 % interval over the mean at which to stop"
    )
    max_replications: int = Field(100, ge=2, description="Stop here in any case")


class Slo(Config):
    """Service-level objective of a request: its limits hold together."""

    ttft: Duration | None = Field(None, gt=0, description="Largest time to first token")
    tpot: Duration | None = Field(None, gt=0, description="Largest mean time per output token")


class DeviceGroup(Config):
    """Devices of one kind."""

    count: int = Field(ge=1, description="Devices in the group")
    slm: AnySlm = Field(description="Token times of the small model")
    traffic: AnyTraffic = Field(description="When users ask")
    protocol: AnyProtocol = Field(description="How answers are made")
    trace: str | None = Field(
        None, description="Token trace: a directory beside the scenario, or bundled:<name>"
    )
    models: LiveModels | None = Field(
        None, description="Live models that make the tokens as the simulation runs; no trace then"
    )
    uncertainty_time: Duration = Field(
        0.0, ge=0, description="Device time to compute a token's uncertainty, if the protocol does"
    )
    device_queue: bool = Field(
        False, description="Open arrivals wait until the device's answer before is complete"
    )
    draft_ahead: bool = Field(
        False, description="Draft on while a round is in flight, as if all its drafts would pass"
    )
    snr: Decibel | None = Field(None, description="Mean SNR over the whole band, given")
    position: AnyPosition | None = Field(None, description="Where devices stand, else")
    cell: str | None = Field(
        None,
        description="Cell of a network whose base station positions count from (none: the map's "
        "origin); devices without a position are attached to it",
    )
    mobility: AnyMobility | None = Field(None, description="How devices move from there; none: not")
    tx_power: Power = Field(0.2, gt=0, description="Transmit power")
    power: AnyPower | None = Field(None, description="What the devices draw; none: not measured")


class Backhaul(Config):
    """The way from the base station to the edge server."""

    kind: Literal["fixed"] = "fixed"
    latency: Duration = Field(0.0, ge=0, description="Delay from base station to server")


class KvCache(Config):
    """How the KV cache is shared out."""

    policy: Literal["reserve", "evict"] = Field(
        "reserve",
        description="Reserve room for whole answers, or grow it, evict the latest and recompute",
    )


class KvMemory(Config):
    """The KV cache by the memory of the GPU: what the weights leave of it."""

    memory: Data = Field(gt=0, description="Memory of the GPU")
    share: float = Field(0.9, gt=0, le=1, description="Share of it that weights and KV cache get")
    model: ModelName | ModelCard = Field(description="A known model, or its data sheet")

    @property
    def tokens(self) -> int:
        """Tokens of context that fit."""
        model = MODELS[self.model] if isinstance(self.model, str) else self.model
        room = self.memory * self.share - 8 * model.weight_bytes
        return max(0, int(room // model.kv_per_token))

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if not self.tokens:
            message = "leaves no room beside the weights: give more memory or a smaller model"
            raise PydanticCustomError("combination", "{message}", {"message": message})
        return self


class Server(Config):
    """The edge server with the large model."""

    step_time: AnyStepTime = Field(description="Time of a step")
    batching: AnyBatching = Field(ContinuousBatching(), description="How batches form")
    kv_capacity: Annotated[int, Field(ge=1)] | KvMemory | None = Field(
        None, description="KV cache of each replica [tokens], or its memory; none: unlimited"
    )
    kv: KvCache = Field(KvCache(), description="How the KV cache is shared out")
    replicas: int = Field(1, ge=1, description="How many there are, all alike")
    routing: AnyRouting = Field(Sticky(), description="Which replica a round goes to")
    prefill: Literal["eager", "none"] = Field(
        "eager", description="Read prompts when they arrive, or neglect that time"
    )

    @property
    def kv_capacity_tokens(self) -> int:
        """KV cache of each replica [tokens]; 0: unlimited."""
        given = self.kv_capacity
        return given.tokens if isinstance(given, KvMemory) else given or 0


class Scenario(Config):
    """One experiment: devices, radio, server, what to measure and what to vary."""

    version: Literal[1] = Field(description="Version of the scenario format")
    name: str = Field(min_length=1, description="Name of the experiment")
    question: str | None = Field(None, description="What the experiment asks, in a sentence")
    seed: int = Field(ge=0, description="Seed of all random streams")
    stop: Stop = Field(description="When a run ends")
    replications: int = Field(1, ge=1, description="Independent runs of each point")
    devices: dict[str, DeviceGroup] = Field(min_length=1, description="Groups of devices, by name")
    uplink: Uplink = Field(description="The shared uplink")
    backhaul: Backhaul = Field(Backhaul(), description="Base station to server")
    network: NetworkSection | None = Field(
        None, description="Several cells and servers and the links between; none: one of each"
    )
    downlink: AnyDownlink = Field(description="Server to devices")
    server: Server = Field(description="The edge server")
    ledger: Ledger = Field(Ledger(), description="What goes over the air")
    slo: Slo = Field(Slo(), description="Service-level objective")
    until: Until | None = Field(
        None, description="More replications, if those are too few to know a metric well"
    )
    sweep: Sweep = Field(
        {}, description="Paths to vary with the values of each: their grid; or a section of a kind"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        faults = list(self._faults())
        if faults:
            raise ValidationError.from_exception_data(
                "Scenario",
                [
                    InitErrorDetails(
                        type=PydanticCustomError("combination", "{message}", {"message": message}),
                        loc=place,
                        input={},
                    )
                    for place, message in faults
                ],
            )
        return self

    def _faults(self) -> Iterator[Fault]:
        """Parts that are well formed alone but do not go together."""
        stop, uplink = self.stop, self.uplink
        yield from network_faults(self)
        if (stop.duration is None) == (stop.requests is None):
            yield ("stop",), "give either duration or requests"
        if stop.duration is not None and stop.warmup_s >= stop.duration:
            yield ("stop", "warmup"), "must be shorter than the duration, or nothing is measured"
        if self.until is not None and self.replications < FEWEST_REPLICATIONS:
            message = f"needs an interval to begin with: give replications: {FEWEST_REPLICATIONS}"
            yield ("until",), f"{message} or more, better 5"
        if self.until is not None and self.until.max_replications < self.replications:
            yield ("until", "max_replications"), "must not be less than replications"
        server = self.server
        if server.kv.policy == "evict" and not server.kv_capacity_tokens:
            yield ("server", "kv"), "nothing is evicted from an unlimited cache: give kv_capacity"
        if server.replicas == 1 and not isinstance(server.routing, Sticky):
            yield ("server", "routing"), "has no effect on one replica: give replicas, or remove it"
        users = sum(group.count for group in self.devices.values())
        closed = all(group.traffic.closed for group in self.devices.values())
        if server.batching.patience_ns is None and closed and users < server.batching.awaited:
            message = f"would wait for ever: {users} users never have as many rounds to verify"
            yield ("server", "batching"), message
        for name, group in self.devices.items():
            here = ("devices", name)
            if group.models is not None:
                yield from _live_faults(here, group)
            elif group.protocol.needs_trace and group.trace is None:
                message = f"protocol {group.protocol.kind} replays a token trace: "  # type: ignore[attr-defined]
                yield (*here, "trace"), message + "give one, such as bundled:sgd-dialogue"
            if not group.protocol.needs_trace and group.trace is not None:
                yield (*here, "trace"), "the protocol uses no trace: remove it"
            if group.slm.uses_trace and group.trace is None:
                yield (*here, "slm"), "kind trace takes its times from a trace: give one"
            if uplink.errors.loses and (group.models or not group.protocol.drafts):
                what = "live models" if group.models else f"protocol {group.protocol.kind}"  # type: ignore[attr-defined]
                message = f"{what} cannot go on with a local token when a packet is lost: "
                yield (*here, "protocol"), message + "use uplink.errors.after_last: retry"
            if group.device_queue and group.traffic.closed:
                yield (*here, "device_queue"), "closed traffic never queues: remove it"
            if group.draft_ahead and uplink.errors.loses:
                message = "what is drafted ahead of a lost packet is not modelled: use "
                yield (*here, "draft_ahead"), message + "uplink.errors.after_last: retry"
            if group.draft_ahead and not (group.protocol.needs_server and group.protocol.drafts):
                message = f"{group.protocol.kind} has no drafts in flight: remove it"  # type: ignore[attr-defined]
                yield (*here, "draft_ahead"), message
            if group.traffic.grows and group.trace is None:
                message = "takes the lengths of answers from a trace: give one, or remove it"
                yield (*here, "traffic", "history"), message
            if group.traffic.keeps and server.kv.policy == "evict":
                message = "a cache that evicts keeps nothing between turns: use kv policy reserve"
                yield (*here, "traffic", "history"), message
            if group.slm.throttling and not (group.traffic.closed or group.device_queue):
                message = "answers made at once would heat a device twice: give device_queue: true"
                yield (*here, "slm", "throttling"), message
        yield from radio_faults(uplink, self.devices)


def _live_faults(here: tuple[str, ...], group: DeviceGroup) -> Iterator[Fault]:
    """What does not go together with live models."""
    if group.trace is not None:
        yield (*here, "models"), "the group has a trace already: give one of the two"
    if (reason := refusal(group.protocol)) is not None:
        yield (*here, "protocol"), reason
