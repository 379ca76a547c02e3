"""Settings of the whole test suite."""

from hypothesis import settings

# The same examples on every machine, and no failure because a machine is slow or busy.
settings.register_profile("simnet", deadline=None, derandomize=True)
settings.load_profile("simnet")
