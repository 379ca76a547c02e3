r"""Closed forms of drafts longer than one token.

``acceptance`` is the chance a that one draft token is accepted, independently of the others. A
round drafts L tokens and ends with one token of the LLM (the replacement of the first rejected
draft, or a bonus token).
"""

from math import e as euler
from math import exp, inf, log


def expected_tokens_per_round(acceptance: float, draft_length: float) -> float:
    r"""Mean number of tokens a round commits.

    .. math:: \frac{1 - a^{L+1}}{1 - a}

    Parameters
    ----------
    acceptance : float
        a in [0, 1].
    draft_length : float
        L >= 0.

    Returns
    -------
    float
        Between 1 and L + 1, the latter at a = 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Leviathan, Kalman and Matias, "Fast inference from transformers via speculative decoding", ICML
    2023, eq. (1).
    """
    _check_acceptance(acceptance)
    if not draft_length >= 0:
        raise ValueError(f"draft_length must be >= 0, got {draft_length}")
    if acceptance == 1:
        return draft_length + 1.0
    return float((1 - acceptance ** (draft_length + 1)) / (1 - acceptance))


def relaxed_draft_length(
    acceptance: float, time_per_draft_token_s: float, verification_time_s: float
) -> float:
    r"""Real draft length that maximises tokens per second.

    The rate is :math:`(1 - a^{L+1}) / ((1 - a)(L\varphi + T))`, with :math:`\varphi` the time to
    draft and upload one token and T the rest of the round. Its maximum:

    .. math:: L = -\frac{\ln\bigl(-W_{-1}(-a^{T/\varphi - 1}/e)\bigr)}{\ln a} - 1

    Parameters
    ----------
    acceptance : float
        a in [0, 1].
    time_per_draft_token_s : float
        :math:`\varphi` > 0.
    verification_time_s : float
        T >= 0.

    Returns
    -------
    float
        >= 0. 0 when a = 0 or :math:`T \le \varphi` (the rate falls from L = 0 on), infinite when
        a = 1 and :math:`T > \varphi`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    arXiv 2606.04581 (Multi-SPIN).
    """
    _check_acceptance(acceptance)
    if not (time_per_draft_token_s > 0 and verification_time_s >= 0):
        raise ValueError(
            "time_per_draft_token_s must be > 0 and verification_time_s >= 0, got "
            f"{time_per_draft_token_s} and {verification_time_s}"
        )
    ratio = verification_time_s / time_per_draft_token_s
    if acceptance == 0 or ratio <= 1:
        return 0.0
    if acceptance == 1:
        return inf
    exponent = (ratio - 1) * log(acceptance)
    return max(0.0, -log(_minus_lambert_w(exponent)) / log(acceptance) - 1)


def optimal_draft_length(
    acceptance: float,
    time_per_draft_token_s: float,
    verification_time_s: float,
    *,
    longest: int = 64,
) -> int:
    """Whole draft length in 1 ... ``longest`` that maximises tokens per second.

    The rate has one peak, so it is a whole neighbour of `relaxed_draft_length`; of two equally good
    the shorter. Parameters and errors as there, and ValueError if ``longest`` < 1.
    """
    if longest < 1:
        raise ValueError(f"longest must be >= 1, got {longest}")
    relaxed = relaxed_draft_length(acceptance, time_per_draft_token_s, verification_time_s)
    below = max(1, int(min(relaxed, longest)))

    def tokens_per_s(length: int) -> float:
        round_s = length * time_per_draft_token_s + verification_time_s
        return expected_tokens_per_round(acceptance, length) / round_s

    above = min(below + 1, longest)
    return below if tokens_per_s(below) >= tokens_per_s(above) else above


def _minus_lambert_w(exponent: float) -> float:
    r""":math:`-W_{-1}(-e^{c-1})` for :math:`c \le 0`, also where :math:`e^{c-1}` underflows."""
    from scipy.special import lambertw  # here: the import is slow and few callers need it

    if exponent > -600:
        return float(-lambertw(-exp(exponent) / euler, k=-1).real)
    v = 1 - exponent
    for _ in range(20):  # v = 1 - c + ln v contracts by 1/v < 1/600 a step
        v = 1 - exponent + log(v)
    return v


def _check_acceptance(acceptance: float) -> None:
    if not 0 <= acceptance <= 1:
        raise ValueError(f"acceptance must lie in [0, 1], got {acceptance}")
