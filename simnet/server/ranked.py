"""Which waiting rounds a step verifies, where a policy ranks them."""

from collections.abc import Callable

from simnet.scheduling.batch_policy import BatchPolicyConfig
from simnet.server.job import Job


def ranked(
    policy: BatchPolicyConfig,
    waiting: list[Job],
    decoding: int,
    max_sequences: int,
    max_tokens: int,
    has_room: Callable[[Job, list[Job]], bool],
) -> list[Job]:
    """Rounds of the next step; one that alone exceeds the token limit has a step of its own.

    Parameters
    ----------
    policy
        Ranks them, and says whether smaller ones may pass one that does not fit.
    waiting
        All that wait, in the order in which they came.
    decoding : int
        Sequences that decode in the step, a token each.
    max_sequences, max_tokens : int
        Limits of the step.
    has_room
        Gives a round its room in the KV cache, if there is any; those taken before it may have to
        leave for it.
    """
    taken: list[Job] = []
    for index in policy.rank(waiting):
        job, sequences = waiting[index], decoding + len(taken)
        if sequences >= max_sequences:
            break
        tokens = decoding + sum([other.tokens for other in taken])
        if tokens + job.tokens > max_tokens and sequences:
            if policy.passes_over:
                continue
            break
        if has_room(job, taken):
            taken.append(job)
    return taken
