"""Which of the runs that wait nobody else is at."""

from __future__ import annotations

import time

from topobench.run.claims import PAUSE, Claim, Claims
from topobench.run.store import Place

__all__ = ["Free"]


class Free:
    """Which runs nobody else is at. Where a worker does not see the store, this client claims its run."""

    def __init__(self) -> None:
        self._asked: dict[int, tuple[Claims, float]] = {}
        self._have: dict[int, Claim] = {}

    def ask(self, index: int, place: Place, shared: bool) -> bool:
        """Whether a run may be sent; it is claimed where its worker cannot do so (`shared`)."""
        claims, since = self._asked.get(index, (Claims(place), -PAUSE))
        if time.monotonic() < since + PAUSE:
            return False
        claim = None if shared else claims.take()
        if claims.taken() if shared else claim is None:
            self._asked[index] = claims, time.monotonic()
            return False
        self._asked.pop(index, None)
        if claim:
            self._have[index] = claim
        return True

    def claim_of(self, index: int) -> Claim | None:
        """Return the claim of a run, for whoever gives it back."""
        return self._have.pop(index, None)

    def give_all_back(self) -> None:
        """Give all claims back of which nobody has asked."""
        for index in list(self._have):
            self.give_back(index)

    def give_back(self, index: int) -> None:
        """Give the claim of a run back that needs nobody any more."""
        if claim := self.claim_of(index):
            claim.give_back()
