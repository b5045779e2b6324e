"""Floor 4: what a person touches: commands, settings, drawing, sinks."""

__version__ = "0.1.0"
