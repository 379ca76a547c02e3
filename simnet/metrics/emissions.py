"""When each token became visible, rebuilt from the rounds."""

from dataclasses import dataclass

import numpy as np

from simnet.metrics.window import Mask, Rows, Times


@dataclass(frozen=True, slots=True)
class Emissions:
    """Tokens that users saw before the horizon.

    Attributes
    ----------
    request : (tokens,) int array
        Request of each token, ascending.
    time_ns : (tokens,) int array
        When it became visible; in order within a request.
    tokens : (requests,) int array
        Tokens seen of each request.
    first_ns, last_ns : (requests,) int arrays
        When the first and the last of them were seen; -1 where none was.
    """

    request: Times
    time_ns: Times
    tokens: Times
    first_ns: Times
    last_ns: Times

    def gaps_ns(self, chosen: Mask) -> Times:
        """Time from token to token within each of the ``chosen`` requests (a mask over requests).

        Tokens delivered together are 0 apart.
        """
        same = self.request[1:] == self.request[:-1]
        return np.asarray(np.diff(self.time_ns)[same & chosen[self.request[1:]]])


def emissions(rounds: Rows, requests: int, horizon_ns: int) -> Emissions:
    """Emission times of all tokens of a run.

    Token i = 1 ... ``skipped`` of a round, committed by the device alone, is visible at
    ``started_ns + prefill_ns + i * token_ns``; the verified ones follow together at
    ``finished_ns``. What lies beyond the horizon was not seen. Where devices draft ahead or
    throttle, what a round's head start has left of that drafting takes the time that it took.

    Parameters
    ----------
    rounds : columns
        The run's rounds; those of a request in time order.
    requests : int
        Number of requests, with or without rounds.
    horizon_ns : int
        When the run stopped.
    """
    order = np.argsort(rounds["request"], kind="stable")  # rounds of a request are in time order
    request, finished, skipped, committed = (
        np.asarray(rounds[name], dtype=np.int64)[order]
        for name in ("request", "finished_ns", "skipped", "committed")
    )
    tokens = np.where(finished >= 0, committed, skipped)
    row = np.repeat(np.arange(tokens.size), tokens)
    nth = np.arange(1, row.size + 1) - np.repeat(np.cumsum(tokens) - tokens, tokens)
    drafted = rounds["prefill_ns"][order][row] + nth * rounds["token_ns"][order][row]
    if "head_start_ns" in rounds:
        drafted = _at_own_pace(rounds, drafted, order[row])
    alone = rounds["started_ns"][order][row] + drafted
    time_ns = np.where(nth <= skipped[row], alone, finished[row])
    seen = time_ns <= horizon_ns
    owner, time_ns = request[row[seen]], time_ns[seen]

    per_request = np.bincount(owner, minlength=requests)
    end = np.cumsum(per_request)
    some = per_request > 0
    first = np.full(requests, -1, dtype=np.int64)
    last = np.full(requests, -1, dtype=np.int64)
    first[some] = time_ns[(end - per_request)[some]]
    last[some] = time_ns[end[some] - 1]
    return Emissions(owner, time_ns, per_request, first, last)


def _at_own_pace(rounds: Rows, drafted_ns: Times, row: Times) -> Times:
    """When drafting has come so far [ns], from the start of the round in each ``row``."""
    n = rounds["skipped"] + rounds["drafted"]
    left_ns = rounds["prefill_ns"] + n * rounds["token_ns"] - rounds["head_start_ns"]
    took_ns = rounds["sent_ns"] - rounds["started_ns"]
    pace = np.where(left_ns > 0, took_ns / np.maximum(left_ns, 1), 0.0)
    rest_ns = np.maximum(0, drafted_ns - rounds["head_start_ns"][row])
    return np.asarray(np.rint(rest_ns * pace[row]), dtype=np.int64)
