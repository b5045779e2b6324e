"""The published schedules: how many epochs, of which batches, at which learning rate.

NumPy and torch stay out: the commands show these numbers as their defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

PATTERNS = {"slow": "{}_state.pth", "fast": "{}epoch.pth", "transfer": "{}epoch.pth"}
"""What the published programs call the weights after each epoch."""
FINAL = "final_state.pth"
SUPPORT_RANGE = 5  # list entries that a pair's support frame lies back at most (specification 7)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Epochs, people in a batch, and a learning rate that drops tenfold at each milestone."""

    epochs: int
    batch: int
    milestones: tuple[int, ...]
    rate: float = 1e-4
    factor: float = 0.1

    def rate_of(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 1.

        The drop is at the start of the milestone's own epoch: the published programs step the
        scheduler before the epoch, which is one epoch earlier than PyTorch's order of today.
        """
        drops = sum(milestone <= epoch for milestone in self.milestones)
        return self.rate * self.factor**drops


SLOW = Schedule(epochs=10, batch=16, milestones=(5, 7))
FAST = Schedule(epochs=100, batch=8, milestones=(10, 15))
TRANSFER = Schedule(epochs=20, batch=16, milestones=(5, 7))
