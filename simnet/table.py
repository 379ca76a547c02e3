"""What a file of measurements becomes before a model sees it: columns of numbers, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

Table = Mapping[str, NDArray[np.float64]]

NO_TABLE: Final[Table] = MappingProxyType({})
"""What models get that read no file."""
