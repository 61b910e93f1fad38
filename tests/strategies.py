"""Images and masks for property tests: small, non-square, 1xN, full of ties."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))
connectivities = st.sampled_from([4, 8])


@st.composite
def images(draw):
    """A float image in [0, 1] with few different values, so that ties abound."""
    levels = draw(st.integers(1, 12))
    return draw(npst.arrays(np.int64, draw(shapes), elements=st.integers(0, levels))) / levels


@st.composite
def distinct_images(draw):
    """A float image in (0, 1) in which no two pixels, and no two differences of pixels, are equal."""
    height, width = draw(shapes)
    order = draw(st.permutations(range(height * width)))
    even = (np.array(order, dtype=float).reshape(height, width) + 1) / (height * width + 1)
    return even**1.37


masks = shapes.flatmap(lambda shape: npst.arrays(np.bool_, shape))
