"""Every metric by name, with its unit and definition. Tables and the documentation read it."""

from simnet.metrics.distribution import STATISTICS
from simnet.metrics.metric import LEVELS, Metric

SPEED, LATENCY, SPANS = "speed", "latency", "where the time goes"
DEVICE, UPLINK, SERVER = "devices", "uplink", "server"
DOWNLINK, BACKHAUL = "downlink", "backhaul"
PROTOCOL, QUALITY = "protocol", "quality risk"


def _distribution(name: str, unit: str, symbol: str, meaning: str, section: str) -> Metric:
    return Metric(name, unit, symbol, meaning, section, STATISTICS, steady=True, per_group=True)


def _device(name: str, unit: str, symbol: str, meaning: str, section: str) -> Metric:
    return Metric(name, unit, symbol, meaning, section, per_group=True)


def _queue(name: str, symbol: str, meaning: str, section: str) -> Metric:
    return Metric(name, "", symbol, meaning, section, LEVELS, steady=True)


_METRICS = (
    _device("output_tokens_per_s", "token/s", "#{e in T} / T", "tokens shown, all devices", SPEED),
    Metric(
        "device_output_tokens_per_s",
        "token/s",
        "#{e in T of a device} / T",
        "tokens shown, per device",
        SPEED,
        STATISTICS,
        per_group=True,
    ),
    _device("requests_per_s", "1/s", "#{f in T} / T", "requests finished", SPEED),
    _device(
        "slo_goodput_requests_per_s", "1/s", "#{f in T, SLO met} / T", "finished in time", SPEED
    ),
    _device(
        "slo_attainment", "", "#{met} / #{judged}", "share of requests that meet the SLO", SPEED
    ),
    _device("slo_requests", "", "#{judged}", "requests judged against the SLO", SPEED),
    _device(
        "jain_fairness",
        "",
        "(sum x)^2 / (n sum x^2), x = tokens of a device",
        "1: all devices equally fast; 1/n: one gets all",
        SPEED,
    ),
    _distribution("ttft_s", "s", "e_1 - a", "time to first token", LATENCY),
    _distribution("tpot_s", "s", "(e_n - e_1) / (n - 1), n > 1", "time per output token", LATENCY),
    _distribution(
        "itl_s", "s", "e_{i+1} - e_i", "gap between tokens; 0 when shown together", LATENCY
    ),
    _distribution("e2e_s", "s", "f - a", "whole answer", LATENCY),
    Metric("warmup_s", "s", "start of T", "time before measuring began", LATENCY),
    _device("requests_arrived", "", "#{a in T}", "requests asked", LATENCY),
    _device(
        "requests_censored", "", "#{a in T, f > horizon}", "asked but cut by the horizon", LATENCY
    ),
    _distribution("round_time_s", "s", "t_7 - t_0", "one verified round", SPANS),
    _distribution("device_time_s", "s", "t_1 - t_0", "drafting on the device", SPANS),
    _distribution("uplink_waiting_time_s", "s", "t_2 - t_1", "waiting for the uplink", SPANS),
    _distribution("uplink_airtime_s", "s", "t_3 - t_2", "on the air", SPANS),
    _distribution(
        "backhaul_waiting_time_s", "s", "t_b - t_3", "waiting for links to the server", SPANS
    ),
    _distribution(
        "backhaul_time_s", "s", "t_4 - t_3; network: t_4 - t_b", "base station to server", SPANS
    ),
    _distribution("server_waiting_time_s", "s", "t_5 - t_4", "waiting for a step", SPANS),
    _distribution("server_time_s", "s", "t_6 - t_5", "the step that verifies", SPANS),
    _distribution(
        "return_waiting_time_s", "s", "t_r - t_6", "waiting for links from the server", SPANS
    ),
    _distribution("return_time_s", "s", "t_q - t_r", "server to base station", SPANS),
    _distribution(
        "downlink_waiting_time_s",
        "s",
        "t_d - t_6; network: t_d - t_q",
        "waiting for a shared downlink",
        SPANS,
    ),
    _distribution(
        "downlink_time_s", "s", "t_7 - t_6; shared: t_7 - t_d", "verdict to the device", SPANS
    ),
    _distribution("device_waiting_time_s", "s", "s - a", "request waits for its device", DEVICE),
    Metric("device_utilisation", "", "drafting time / T", "busy share of a device", DEVICE),
    Metric(
        "device_offered_load",
        "",
        "closed: drafting, but not ahead, K / (K T - W); open, queueing: a / s x time in hand / T",
        "demand over capacity",
        DEVICE,
    ),
    _queue("device_queue_length", "#{a <= t < s}", "requests waiting, all devices", DEVICE),
    _queue("requests_in_system", "#{a <= t < f}", "requests asked and not finished", DEVICE),
    _device(
        "energy_j_per_token", "J", "energy of the devices / tokens", "price of a token", DEVICE
    ),
    _device("energy_compute_j_per_token", "J", "P_c t_c / tokens", "of it drafting", DEVICE),
    _device("energy_transmit_j_per_token", "J", "P_t t_t / tokens", "of it sending", DEVICE),
    _device("energy_receive_j_per_token", "J", "P_r t_r / tokens", "of it receiving", DEVICE),
    _device("energy_idle_j_per_token", "J", "P_i (T - t_c) / tokens", "of it waiting", DEVICE),
    _device("battery_life_s", "s", "battery / mean power", "until the first is empty", DEVICE),
    Metric("uplink_utilisation", "", "A / (c T)", "busy share of the uplink", UPLINK),
    Metric(
        "uplink_offered_load",
        "",
        "closed: utilisation K T / (K T - W); open: arrival rate x mean service / c",
        "demand over capacity; may exceed 1",
        UPLINK,
    ),
    Metric(
        "uplink_goodput_bps",
        "bit/s",
        "bits received in T, not those of lost payloads / T",
        "bits carried",
        UPLINK,
    ),
    Metric(
        "uplink_bits_per_token",
        "bit",
        "bits of payloads that ended in T, lost ones too / tokens shown",
        "price of a token",
        UPLINK,
    ),
    Metric(
        "uplink_snr_db",
        "dB",
        "SNR at t_2 of a transmission that ended in T",
        "signal-to-noise ratio met",
        UPLINK,
        STATISTICS,
    ),
    Metric(
        "tx_power_dbm",
        "dBm",
        "over the whole band at t_2, where power is controlled",
        "transmit power",
        UPLINK,
        STATISTICS,
    ),
    Metric(
        "uplink_sinr_db",
        "dB",
        "SNR over (1 + interference / noise), likewise",
        "the same with interference",
        UPLINK,
        STATISTICS,
    ),
    Metric(
        "interference_over_thermal_db",
        "dB",
        "1 + interference / noise at a base station",
        "what other cells add to the noise, where it is most",
        UPLINK,
    ),
    Metric(
        "uplink_rate_bps",
        "bit/s",
        "bits / (t_3 - t_2) of a transmission that ended in T",
        "rate of a transmission, repeats included",
        UPLINK,
        STATISTICS,
    ),
    Metric("outage_rate", "", "blocks whose first attempt failed / blocks", "failures", UPLINK),
    Metric(
        "retransmission_rate",
        "",
        "(attempts - blocks) / attempts, collisions included",
        "repeats",
        UPLINK,
    ),
    Metric(
        "packet_loss_rate",
        "",
        "payloads given up / payloads, prompts apart",
        "payloads lost for good",
        UPLINK,
    ),
    _queue("uplink_queue_length", "#{t_1 <= t < t_2}", "transmissions waiting", UPLINK),
    Metric("server_utilisation", "", "sum d / (T x replicas)", "busy share of the server", SERVER),
    Metric(
        "server_offered_load",
        "",
        "sum d b / (T b_full) x demand",
        "sequences asked for over those of full steps",
        SERVER,
    ),
    Metric(
        "server_full_share",
        "",
        "sum d of full steps / T",
        "share of time in steps that left a waiting round behind",
        SERVER,
    ),
    Metric("batch_sequences", "", "sum d b / sum d", "sequences per step, by time", SERVER),
    Metric(
        "batch_tokens", "token", "sum d k / sum d", "tokens processed per step, by time", SERVER
    ),
    Metric(
        "recomputed_token_share",
        "",
        "evicted or moved tokens read again / sum k",
        "work lost to a KV cache that is too small",
        SERVER,
    ),
    Metric("kv_tokens_mean", "token", "int kv dt / T, held from step to step", "KV in use", SERVER),
    Metric("kv_tokens_max", "token", "max kv", "KV in use of a replica at most", SERVER),
    Metric("kv_occupancy", "", "kv_tokens_mean / capacity", "share of the KV capacity", SERVER),
    Metric(
        "kv_offered_load",
        "",
        "kv_occupancy x requests in hand / those not waiting for room, if tight",
        "demand over capacity",
        SERVER,
    ),
    _queue("server_queue_length", "#{t_4 <= t < t_5}", "rounds waiting at the server", SERVER),
    Metric(
        "downlink_utilisation",
        "",
        "airtime of verdicts / T",
        "busy share of a shared downlink",
        DOWNLINK,
    ),
    Metric(
        "downlink_offered_load",
        "",
        "closed: utilisation K T / (K T - W); open: arrival rate x mean service",
        "demand over capacity; may exceed 1",
        DOWNLINK,
    ),
    _queue("downlink_queue_length", "#{t_6 <= t < t_d}", "verdicts waiting", DOWNLINK),
    Metric(
        "backhaul_utilisation",
        "",
        "service of a link / T, the largest",
        "busy share of the busiest link",
        BACKHAUL,
    ),
    Metric(
        "backhaul_offered_load",
        "",
        "as that of the uplink, for each link, the largest",
        "demand over capacity of the most loaded link",
        BACKHAUL,
    ),
    _device(
        "transmit_rate", "", "N_sent / (N_sent + N_skip)", "drafts sent to be verified", PROTOCOL
    ),
    _device("skip_rate", "", "N_skip / (N_sent + N_skip)", "tokens committed alone", PROTOCOL),
    _device(
        "payload_compression",
        "",
        "1 - bits of distributions / bits of full ones",
        "saved per transmitted token",
        PROTOCOL,
    ),
    _device("draft_acceptance_rate", "", "N_acc / N_sent", "drafts accepted", PROTOCOL),
    _device("conditional_acceptance_rate", "", "N_acc / N_tested", "accepted if tested", PROTOCOL),
    _device(
        "tokens_per_round", "token", "N_out / rounds", "committed per verified round", PROTOCOL
    ),
    _device(
        "wasted_draft_tokens", "token", "(N_sent - N_acc) / rounds", "lost per round", PROTOCOL
    ),
    _device(
        "wasted_ahead_tokens",
        "token",
        "(drafted in flight - of use) / rounds, in t_token",
        "drafted ahead in vain, per round",
        PROTOCOL,
    ),
    _device(
        "head_start_s",
        "s",
        "drafting done in the flight before / rounds",
        "spared by drafting ahead",
        PROTOCOL,
    ),
    _device("off_path_share", "", "N_off / N_out", "tokens off the recorded path", QUALITY),
    _device(
        "hazard_per_token",
        "",
        "departures / (N_out - N_off)",
        "leaves the path, per token",
        QUALITY,
    ),
    _device(
        "surrogate_share", "", "stand-ins / (N_sent + N_skip)", "drafts the trace lacks", QUALITY
    ),
    _device(
        "skipped_rejection_mass",
        "",
        "sum over skipped of P(reject) / N_out",
        "wrongly kept tokens, per token",
        QUALITY,
    ),
    _device("output_tv", "", "sum over sent of TV / N_out", "law changed by truncation", QUALITY),
    _device(
        "output_bias_bound_per_token",
        "",
        "skipped_rejection_mass + output_tv",
        "bound on the bias of the output",
        QUALITY,
    ),
)
CATALOGUE = {metric.name: metric for metric in _METRICS}
_BY_COLUMN = {column: metric for metric in _METRICS for column in metric.columns}


def describe(column: str) -> Metric:
    """Metric of a result column, whether or not a group or a statistic is part of its name.

    >>> describe("phones.tpot_s_p95").meaning
    'time per output token'
    """
    name = column.rpartition(".")[2]
    if name not in _BY_COLUMN:
        raise KeyError(f"no metric called {column!r}; see docs/metrics.md")
    return _BY_COLUMN[name]
