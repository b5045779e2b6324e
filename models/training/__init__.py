"""How the networks learn: targets, losses, augmentation and the loop."""
