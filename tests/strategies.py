"""Images and masks for property tests: small, non-square, 1xN, full of ties."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
connectivities = st.sampled_from([4, 8])


@st.composite
def images(draw, shape=shapes):
    """A float image in [0, 1] with few different values, so that ties abound."""
    levels = draw(st.integers(1, 12))
    values = draw(npst.arrays(np.int64, draw(shape) if not isinstance(shape, tuple) else shape,
                              elements=st.integers(0, levels)))  # fmt: skip
    return values / levels


@st.composite
def distinct_images(draw):
    """A float image in (0, 1) in which no two pixels are equal."""
    height, width = draw(shapes)
    order = draw(st.permutations(range(height * width)))
    return (np.array(order, dtype=float).reshape(height, width) + 1) / (height * width + 1)


masks = shapes.flatmap(lambda shape: npst.arrays(np.bool_, shape))
