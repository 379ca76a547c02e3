"""Records written by hand: only what a test states differs from nothing."""

import numpy as np

from simnet.records import BATCHES, REQUESTS, ROUNDS, TRANSMISSIONS, Records

MS = 1_000_000  # nanoseconds
PLANNED = (
    "device",
    "position",
    "skipped",
    "drafted",
    "evaluated",
    "accepted",
    "committed",
    "uplink_bits",
    "downlink_bits",
    "server_tokens",
    "full_vocabulary_bits",
    "payload_bits",
    "prefill_ns",
    "token_ns",
    "off_path",
    "departed",
    "surrogate",
)
OUTCOMES = ("attempts", "blocks", "failed_blocks", "lost")
SUMS = ("skipped_rejection_mass", "output_tv")


def table(names, rows, **defaults):
    """Columns ``names`` of ``rows`` (dicts); what a row does not say is 0, or its default."""
    return {
        name: np.array([row.get(name, defaults.get(name, 0)) for row in rows], dtype=np.int64)
        for name in names
    }


def bounds(*milliseconds):
    """Boundaries of a round, from ``started_ns`` to ``finished_ns``, given in milliseconds."""
    names = [name for name in ROUNDS if name.endswith("_ns")]
    return {
        name: -1 if ms == -1 else round(ms * MS)
        for name, ms in zip(names, milliseconds, strict=True)
    }


def group(name="phones", count=1, *, closed=True, trace_kind="real"):
    return {
        "name": name,
        "count": count,
        "protocol": "hlm",
        "trace_kind": trace_kind,
        "trace_name": "none",
        "closed": closed,
    }


def served_alone(row, horizon_ns):
    """A transmission that had the band for itself, unless it says otherwise."""
    start, end = row.get("airtime_start_ns", 0), row.get("airtime_end_ns", 0)
    alone = (horizon_ns if end < 0 else end) - start if start >= 0 else 0
    return {"service_ns": alone, **row}


def records(
    *,
    requests=(),
    rounds=(),
    transmissions=(),
    batches=(),
    groups=None,
    horizon_ms=1000,
    warmup_ms=0,
    uplink_servers=1,
    kv_capacity_tokens=0,
):
    groups = (group(),) if groups is None else tuple(groups)
    owner = np.repeat(np.arange(len(groups)), [g["count"] for g in groups])
    planned = table(ROUNDS + PLANNED, rounds)
    sums = {name: np.array([row.get(name, 0.0) for row in rounds], dtype=float) for name in SUMS}
    return Records(
        horizon_ns=round(horizon_ms * MS),
        warmup_ns=round(warmup_ms * MS),
        devices={
            "device": np.arange(owner.size),
            "group": owner,
            "snr_db": np.full(owner.size, np.nan),
        },
        requests=table(REQUESTS, requests),
        rounds=planned | sums,
        transmissions=table(
            (*TRANSMISSIONS, *OUTCOMES),
            [served_alone(row, round(horizon_ms * MS)) for row in transmissions],
            attempts=1,
            blocks=1,
        )
        | {"snr_db": np.array([row.get("snr_db", np.nan) for row in transmissions], dtype=float)},
        batches=table(BATCHES, batches),
        groups=groups,
        uplink_servers=uplink_servers,
        kv_capacity_tokens=kv_capacity_tokens,
    )
