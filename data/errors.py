"""Everything that can go wrong and that the person at the keyboard can mend.

FsposeError                  str(error) is the whole message
  SourceError                a video, folder or camera that cannot be opened or read
  AnnotationError            a JSON that is not what it should be: file, place, what was expected
  ResultError                a result file that cannot be read, or is not of the run that resumes it
  OutputError                a file or folder that cannot be written, or a disk that is full
  StoreError                 a heatmap database that lacks an entry or was made otherwise
  WeightsError               a checkpoint that does not fit the network
  FetchError                 a published file that cannot be fetched
  TrainingError              a training that cannot go on
  ConfigError                a setting that is unknown or out of range
  UnknownBackend             a name with no file
"""


class FsposeError(Exception):
    """Something the user can mend; `str(error)` is the whole message."""


class SourceError(FsposeError):
    """A video, folder, image or camera that cannot be opened or read."""


class AnnotationError(FsposeError):
    """An annotation file that is not what it should be."""


class ResultError(FsposeError):
    """A result file that cannot be read or does not belong to the run that resumes it."""


class OutputError(FsposeError):
    """A file or folder that cannot be written."""


class StoreError(FsposeError):
    """A heatmap database that lacks an entry or was made otherwise."""


class WeightsError(FsposeError):
    """A checkpoint that does not fit the network."""


class FetchError(FsposeError):
    """A published file that cannot be fetched."""


class TrainingError(FsposeError):
    """A training that cannot go on."""


class ConfigError(FsposeError):
    """A setting that is unknown or out of range."""


class UnknownBackend(FsposeError):
    """A backend's name for which there is no file."""
