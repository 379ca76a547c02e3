"""What a step of the server works on."""

from simnet.server.job import Job, Session


def attended_pairs(
    jobs: list[Job], prompts: list[tuple[Session, int]], decoding: list[Job]
) -> float:
    """Pairs of a new token and a token that it attends to, over the sequences of a step."""
    new = [(job.tokens, job.context_tokens) for job in jobs]
    new += [(1, job.context_tokens) for job in decoding]
    new += [(chunk, session.prefilled - chunk) for session, chunk in prompts]
    return sum(n * (context + (n + 1) / 2) for n, context in new)
