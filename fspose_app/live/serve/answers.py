"""The JSON of the HTTP API, as its OpenAPI description has it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fspose_app.config import Scheme

Responses = dict[int | str, dict[str, Any]]


class Problem(BaseModel):
    """What went wrong, in a sentence or two."""

    detail: str


class Health(BaseModel):
    """That the server answers."""

    status: Literal["ok"] = "ok"


class LiveAbout(BaseModel):
    """What the page may start: the sources that were named, and with `addresses` any other."""

    sources: list[str]
    addresses: bool
    schemes: list[Scheme]
    scheme: Scheme | None


class UploadsAbout(BaseModel):
    """Bounds of an upload, and how long its files are kept."""

    max_bytes: int
    keep_seconds: float


class About(BaseModel):
    """What the server does. Without `uploads` it takes no pictures and videos."""

    version: str
    live: LiveAbout
    uploads: UploadsAbout | None


class StartLive(BaseModel):
    """Which source to follow (a label of `about`, a camera number, an address), and how."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, Field(min_length=1, max_length=2000)]
    scheme: Scheme | None = None


class PictureQuery(BaseModel):
    """Which picture: one that is newer than the sequence last seen."""

    model_config = ConfigDict(extra="forbid")

    after: Annotated[int, Field(ge=0, le=2**53, description="The sequence last seen.")] = 0


class JobQuery(BaseModel):
    """How to follow the people of a video, and what to call it."""

    model_config = ConfigDict(extra="forbid")

    scheme: Annotated[Scheme | None, Field(description="How to follow the people.")] = None
    name: Annotated[str, Field(max_length=1000, description="What to call the video.")] = ""


class FrameNumbers(BaseModel):
    """The newest frame without its picture; `latency` is from capture to the drawn frame."""

    sequence: int
    index: int
    people: int
    keyframe: bool
    dropped: int
    rate: float
    latency: float
    age: float
    times: dict[str, float]


class LiveAnswer(BaseModel):
    """The live run and its newest frame."""

    state: Literal["idle", "starting", "running", "reconnecting", "stopped", "failed"]
    message: str
    source: str | None
    scheme: Scheme | None
    frame: FrameNumbers | None


class SkeletonAnswer(BaseModel):
    """Names of the keypoints in the order of every person's, and pairs of them to draw."""

    name: str
    keypoints: list[str]
    limbs: list[list[int]]


class PersonAnswer(BaseModel):
    """A person as in COCO's results: `bbox` is left, top, width, height in pixels, `keypoints` are
    x, y and score (0..1) of each keypoint, one after another."""

    id: int
    category_id: Literal[1] = 1
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)]
    score: float
    keypoints: list[float]
    num_keypoints: int


class DetectAnswer(BaseModel):
    """The people of a picture, in pixels of the upright picture."""

    width: int
    height: int
    skeleton: SkeletonAnswer
    people: list[PersonAnswer]


class JobLinks(BaseModel):
    """Where to look again, and the files once they are there."""

    self: str
    result: str | None
    overlay: str | None


class JobAnswer(BaseModel):
    """A video on its way. `progress` is 0..1, None where the number of frames is not known.

    `before` counts the jobs that are worked on first; `keep_seconds` is how long the files of an
    ended job will still be there.
    """

    id: str
    name: str
    scheme: Scheme
    state: Literal["receiving", "queued", "running", "done", "failed"]
    before: int
    frames: int
    total: int | None
    progress: float | None
    message: str
    keep_seconds: float | None
    links: JobLinks


REASONS = {
    400: "The request cannot be read.",
    401: "The token is missing or wrong.",
    403: "The request comes from another site, or by a name that is not this machine's.",
    404: "There is nothing of that name, or no longer.",
    408: "The body stopped coming.",
    409: "It cannot be done now.",
    413: "The body is larger than this server takes.",
    415: "The file is not of a kind that is read here.",
    422: "A parameter is unknown or out of range.",
    503: "Too much is waiting already; try again later.",
    507: "The disk is full.",
}


def problems(*codes: int) -> Responses:
    """What may go wrong, for the OpenAPI description."""
    return {code: {"model": Problem, "description": REASONS[code]} for code in codes}


def file_body(content_types: str) -> dict[str, Any]:
    """The description of a body that is a file, or a form with a file in it."""
    form = {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                content_types: {"schema": _BINARY},
                "multipart/form-data": {"schema": form},
            },
        }
    }


_BINARY = {"type": "string", "format": "binary"}
