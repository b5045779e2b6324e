"""The published schedules, and what the published programs call their files.

NumPy and torch stay out: the commands show these numbers as their defaults.
"""

from __future__ import annotations

from models.training.plan import Plan

PATTERNS = {"slow": "{}_state.pth", "fast": "{}epoch.pth", "transfer": "{}epoch.pth"}
"""What the published programs call the weights after each epoch."""
FINAL = "final_state"
SUPPORT_RANGE = 5  # list entries that a pair's support frame lies back at most (specification 7)

SLOW = Plan(epochs=10, batch=16, milestones=(5, 7))
FAST = Plan(epochs=100, batch=8, milestones=(10, 15))
TRANSFER = Plan(epochs=20, batch=16, milestones=(5, 7))
