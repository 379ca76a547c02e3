r"""Rejection sampling of an SLM draft against the LLM: the test, the resampling, their output law.

``x`` (SLM) and ``y`` (LLM) are laws over the vocabulary; :math:`d \sim x` is the draft,
``q_draft`` :math:`= x_d` and ``p_draft`` :math:`= y_d`. ``xhat`` is what the server rebuilds of a
truncated ``x`` (:mod:`simnet.decoding.truncation`).

References
----------
Y. Leviathan, M. Kalman and Y. Matias, "Fast inference from transformers via speculative decoding",
ICML 2023 (the rejection sampler).
arXiv 2412.12687 (uncertainty-aware hybrid language model) and arXiv 2505.11788 (its truncated
form), whose eq. (16) and (17) are `xhat` and the resampling from it.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnet.decoding.token_law import as_law, same_vocabulary


def acceptance_probability(q_draft: ArrayLike, p_draft: ArrayLike) -> NDArray[np.float64]:
    r"""Probability that the server accepts a draft.

    .. math:: \min(1, y_d / x_d)

    Parameters
    ----------
    q_draft : (...) array
        Probability of the draft under the law it is tested against (the SLM's, or the rebuilt one).
    p_draft : (...) array
        Its probability under the LLM.

    Returns
    -------
    (...) array
        In [0, 1]. Where ``q_draft`` is 0 (a draft outside the support): the limit, which is 1 if
        ``p_draft`` > 0 and, by convention, 0 if both vanish.

    Raises
    ------
    ValueError
        If a probability is outside [0, 1] or NaN.
    """
    q, p = _probability(q_draft, "q_draft"), _probability(p_draft, "p_draft")
    q, p = np.broadcast_arrays(q, p)
    ratio = np.divide(p, q, out=np.ones(q.shape), where=p < q)
    return np.asarray(np.where((q == 0) & (p == 0), 0.0, ratio))


def rejection_probability(q_draft: ArrayLike, p_draft: ArrayLike) -> NDArray[np.float64]:
    r"""Probability that the server rejects a draft, :math:`\beta_d = \max(0, 1 - y_d / x_d)`.

    Parameters, shapes and errors as in `acceptance_probability`; the two sum to 1.
    """
    return np.asarray(1 - acceptance_probability(q_draft, p_draft))


def accepts(u_accept: ArrayLike, q_draft: ArrayLike, p_draft: ArrayLike) -> NDArray[np.bool_]:
    r"""Outcome of the acceptance test, :math:`u < \min(1, y_d / x_d)`, on stored values.

    All three are first rounded to float32, the precision of a trace. The test is then decided
    *exactly*, as :math:`u\,x_d < y_d` in double precision, where the product of two float32 has no
    rounding error. So the recorder, the verifier of a trace and the replay never disagree.

    Parameters
    ----------
    u_accept : (...) array
        Uniform draw in [0, 1) **as float32**; draw it so (``rng.random(dtype=np.float32)``), since
        a float64 just below 1 rounds to 1.
    q_draft, p_draft : (...) array
        Probability of the draft under the law it is tested against, and under the LLM.

    Returns
    -------
    (...) array of bool
        True where the draft is accepted. A draft outside the support (``q_draft`` = 0) is accepted
        exactly when ``p_draft`` > 0, as in `acceptance_probability`; a protocol that samples
        from its own sparse law decides about such a draft before it asks.

    Raises
    ------
    ValueError
        If ``u_accept`` rounds to a float32 outside [0, 1), or a probability is outside [0, 1].

    Notes
    -----
    For :math:`u < 1` and :math:`x_d > 0` the two forms are the same statement: if
    :math:`y_d \ge x_d` then :math:`u x_d < x_d \le y_d`, and otherwise both divide by
    :math:`x_d`.
    """
    u = np.asarray(u_accept, dtype=np.float32).astype(np.float64)
    q = _probability(np.asarray(q_draft, dtype=np.float32), "q_draft")
    p = _probability(np.asarray(p_draft, dtype=np.float32), "p_draft")
    if not ((u >= 0) & (u < 1)).all():
        raise ValueError(
            f"u_accept must lie in [0, 1) as float32, got values from {u.min():g} to {u.max():g}; "
            "draw it as float32"
        )
    return np.asarray(u * q < p)


def total_variation(x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    r"""Total variation between two laws, which is also the mean rejection probability.

    .. math:: \mathrm{TV}(x, y) = 1 - \sum_i \min(x_i, y_i) = \sum_i \max(0, y_i - x_i)

    Parameters
    ----------
    x, y : (..., V) array
        Laws over one vocabulary.

    Returns
    -------
    (...) array
        In [0, 1]. Computed as half the L1 distance, which equals the formula for exact laws and
        stays accurate when they are close.

    Raises
    ------
    ValueError
        If an argument is not a law, or the vocabularies differ.
    """
    x, y = as_law(x, "x"), as_law(y, "y")
    same_vocabulary(x, y)
    return np.asarray(np.minimum(0.5 * np.abs(x - y).sum(axis=-1), 1.0))


def resampling_distribution(x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
    r"""Law of the token drawn after a rejection.

    .. math:: p_i = \frac{\max(0, y_i - x_i)}{\sum_j \max(0, y_j - x_j)}

    Parameters
    ----------
    x : (..., V) array
        The SLM's law; for a truncated upload pass ``xhat``, the law the server rebuilt.
    y : (..., V) array
        The LLM's law.

    Returns
    -------
    (..., V) array
        A law. Where ``x`` equals ``y`` nothing is ever rejected and the formula is 0/0: ``y``.

    Raises
    ------
    ValueError
        If an argument is not a law, or the vocabularies differ.
    """
    x, y = as_law(x, "x"), as_law(y, "y")
    same_vocabulary(x, y)
    excess = np.maximum(0.0, y - x)
    total = excess.sum(axis=-1, keepdims=True)
    return np.asarray(np.where(total > 0, excess / np.where(total > 0, total, 1.0), y))


def output_law(
    x: ArrayLike,
    y: ArrayLike,
    xhat: ArrayLike | None = None,
    *,
    sends_draft_probability: bool = False,
) -> NDArray[np.float64]:
    r"""Law of the committed token.

    .. math::
        P_i = x_i A_i + \Bigl(1 - \sum_j x_j A_j\Bigr) p_i, \qquad
        A_i = \min(1, y_i / \hat x_i), \qquad
        p = \frac{\max(0, y - \hat x)}{\sum_j \max(0, y_j - \hat x_j)}

    The draft is sampled from ``x``, and the server knows only ``xhat``. Without truncation
    (``xhat`` = ``x``) the law equals ``y``: nothing is lost.

    Parameters
    ----------
    x, y : (..., V) array
        Laws of the SLM and the LLM.
    xhat : (..., V) array, optional
        The law the server rebuilds; ``x`` if absent.
    sends_draft_probability : bool
        The device also sends :math:`x_d`, so the test is :math:`A_i = \min(1, y_i / x_i)` even for
        a draft outside the top k. Otherwise the server tests against :math:`\hat x_d`.

    Returns
    -------
    (..., V) array
        A law.

    Raises
    ------
    ValueError
        If an argument is not a law, or the vocabularies differ.

    Notes
    -----
    How far truncation moves it (tested): at most :math:`\frac12\sum|x-\hat x|` in total variation
    when the server tests against :math:`\hat x_d` (one channel maps :math:`\hat x` to ``y`` and
    ``x`` to this law, and channels do not increase total variation), and at most
    :math:`\sum|x-\hat x|` when :math:`x_d` is sent.
    """
    x, y = as_law(x, "x"), as_law(y, "y")
    xhat = x if xhat is None else as_law(xhat, "xhat")
    same_vocabulary(x, y, xhat)
    accepted = x * acceptance_probability(x if sends_draft_probability else xhat, y)
    rejected = np.maximum(0.0, 1.0 - accepted.sum(axis=-1, keepdims=True))
    return np.asarray(accepted + rejected * resampling_distribution(xhat, y))


def output_tv(
    x: ArrayLike,
    y: ArrayLike,
    xhat: ArrayLike | None = None,
    *,
    sends_draft_probability: bool = False,
) -> NDArray[np.float64]:
    """Total variation between the law of the committed token and the LLM's.

    Parameters and errors as in `output_law`. 0 without truncation.

    Returns
    -------
    (...) array
        In [0, 1].
    """
    law = output_law(x, y, xhat, sends_draft_probability=sends_draft_probability)
    y = np.asarray(y, dtype=np.float64)
    return np.asarray(np.minimum(0.5 * np.abs(law - y).sum(axis=-1), 1.0))


def _probability(values: ArrayLike, name: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError(
            f"{name} must be probabilities in [0, 1], got {array.min():g} to "
            f"{array.max():g}; was it logits?"
        )
    return array
