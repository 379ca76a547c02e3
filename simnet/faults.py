"""What the person at the keyboard can put right: the base of every error about the input.

This file lies on the lowest floor, so that the reader of any kind of input (scenario, trace,
results) can derive its own error. The command line answers an `InputError` with its message on
stderr and exit code 2; any other exception is a defect of simnet and shows its traceback.
"""


class InputError(ValueError):
    """The input is at fault; the message says where, what, and what to write instead."""
