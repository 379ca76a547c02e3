"""Settings of the whole test suite."""

import pytest
from hypothesis import settings

# The same examples on every machine, and no failure because a machine is slow or busy.
settings.register_profile("simnet", deadline=None, derandomize=True)
settings.load_profile("simnet")


@pytest.fixture(scope="session")
def iid_trace(tmp_path_factory):
    """Directory of a synthetic trace: every draft is accepted with probability 0.8."""
    from simnet.trace.synthesise import synthesise
    from simnet.trace.synthetic_iid import Iid

    directory = tmp_path_factory.mktemp("traces") / "iid"
    synthesise(Iid(requests=60, tokens=40, acceptance=0.8, vocabulary_size=512), directory)
    return directory
