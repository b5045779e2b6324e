"""The API's part for files: people of a picture at once, a video as a job."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path as FilePath
from typing import Annotated

import anyio
import anyio.to_thread
from fastapi import APIRouter, HTTPException, Path, Query, Request
from starlette.responses import FileResponse, Response

from data.errors import SourceError
from data.frame import Image
from data.pose import Pose
from data.skeleton import Skeleton
from fspose_app.config import Scheme
from fspose_app.live.serve.answers import (
    DetectAnswer,
    JobAnswer,
    JobLinks,
    JobQuery,
    PersonAnswer,
    SkeletonAnswer,
    file_body,
    problems,
)
from fspose_app.live.serve.jobs import FILES, Busy, Job, Jobs
from fspose_app.live.serve.reading import check_video, picture_of
from fspose_app.live.serve.uploads import Bounds, turned_away, upload_in_memory, upload_to
from models.backends.base import PoseBackend

MOST_PICTURE = 32_000_000  # bytes of a picture, where an upload may be larger
MOST_PICTURES = 8  # that wait for the networks, or are being sent
Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{22}$", description="The job's id.")]
JSON_LINES, MP4 = "application/jsonl", "video/mp4"


def detect_routes(backend: PoseBackend, bounds: Bounds) -> APIRouter:
    """POST /v1/detect; `backend` is asked for one picture at a time."""
    routes = APIRouter(prefix="/v1", tags=["files"])
    bounds = replace(bounds, most_bytes=min(bounds.most_bytes, MOST_PICTURE))
    places, one = anyio.Semaphore(MOST_PICTURES), anyio.CapacityLimiter(1)

    @routes.post(
        "/detect",
        responses=problems(400, 408, 413, 415, 503),
        openapi_extra=file_body("image/*"),
    )
    async def detect(request: Request) -> DetectAnswer:
        """The people of a picture (JPEG, PNG, WebP, BMP, TIFF) with their keypoints."""
        try:
            places.acquire_nowait()
        except anyio.WouldBlock as error:
            raise await turned_away(request, bounds) from error
        try:
            content = await upload_in_memory(request, bounds)
            return await anyio.to_thread.run_sync(_detected, backend, content, limiter=one)
        except SourceError as error:
            raise HTTPException(415, str(error)) from error
        finally:
            places.release()

    return routes


def job_routes(jobs: Jobs, bounds: Bounds, default: Scheme) -> APIRouter:
    """Routes under /v1/jobs; `default` is the scheme where a request names none."""
    routes = APIRouter(prefix="/v1/jobs", tags=["files"])

    @routes.post(
        "",
        status_code=202,
        responses=problems(400, 408, 413, 415, 422, 503, 507),
        openapi_extra=file_body("video/*"),
    )
    async def begin(request: Request, query: Annotated[JobQuery, Query()]) -> JobAnswer:
        """Follow the people of a video; the answer's id leads to its progress and its files."""
        try:
            job = jobs.reserve()
        except Busy as error:
            raise await turned_away(request, bounds) from error
        started = None
        try:
            shown = await upload_to(job.upload, request, bounds)
            await anyio.to_thread.run_sync(check_video, job.upload, shown)
            started = jobs.start(job, name=shown, scheme=query.scheme or default)
        except SourceError as error:
            raise HTTPException(415, str(error)) from error
        finally:
            if started is None:
                jobs.remove(job.id)
        return _answer(jobs, started)

    @routes.get("/{number}", responses=problems(404, 422))
    async def look(number: Number) -> JobAnswer:
        """A job's state, progress and links."""
        return _answer(jobs, _known(jobs, number))

    @routes.delete("/{number}", status_code=204, responses=problems(404, 422))
    async def remove(number: Number) -> Response:
        """End a job where it is under way, and take its files away."""
        _known(jobs, number)
        await anyio.to_thread.run_sync(jobs.remove, number)
        return Response(status_code=204)

    @routes.get("/{number}/result", response_class=FileResponse, responses=_file_of(JSON_LINES))
    async def result(number: Number) -> FileResponse:
        """The result file, JSON Lines: a header, then a line per frame."""
        job = _known(jobs, number)
        name = f"{FilePath(job.name).stem}.jsonl"
        return FileResponse(_finished(job, "result"), media_type=JSON_LINES, filename=name)

    @routes.get("/{number}/overlay", response_class=FileResponse, responses=_file_of(MP4))
    async def overlay(number: Number) -> FileResponse:
        """The video with its skeletons drawn, H.264 in MP4; ranges of bytes may be asked for."""
        job = _known(jobs, number)
        name = f"{FilePath(job.name).stem}-overlay.mp4"
        return FileResponse(
            _finished(job, "overlay"),
            media_type=MP4,
            filename=name,
            content_disposition_type="inline",
        )

    return routes


def _file_of(kind: str) -> dict[int | str, dict[str, object]]:
    schema = {"schema": {"type": "string", "format": "binary"}}
    return {
        200: {"description": "The file.", "content": {kind: schema}},
        **problems(404, 409, 422),
    }


def _known(jobs: Jobs, number: str) -> Job:
    job = jobs.find(number)
    if job is None or job.state == "receiving":
        raise HTTPException(404, "There is no such job, or its files were removed.")
    return job


def _finished(job: Job, kind: str) -> FilePath:
    path = job.file(kind)
    if path is None:
        assert kind in FILES
        raise HTTPException(409, f"The job is {job.state}; it has no {kind} (yet).")
    return path


def _answer(jobs: Jobs, job: Job) -> JobAnswer:
    here, left = f"/v1/jobs/{job.id}", jobs.left(job)
    links = {kind: f"{here}/{kind}" if job.file(kind) else None for kind in FILES}
    total = job.total or 0
    progress = 1.0 if job.state == "done" else min(1.0, job.frames / total) if total else None
    return JobAnswer(
        id=job.id,
        name=job.name,
        scheme=job.scheme,
        state=job.state,
        before=jobs.before(job),
        frames=job.frames,
        total=job.total,
        progress=progress,
        message=job.message,
        keep_seconds=None if left is None else round(left, 1),
        links=JobLinks(self=here, **links),
    )


def _detected(backend: PoseBackend, content: bytes) -> DetectAnswer:
    image = picture_of(content)
    return _people(image, backend.skeleton, backend.poses(image))


def _people(image: Image, skeleton: Skeleton, poses: list[Pose]) -> DetectAnswer:
    limbs = [list(limb) for limb in skeleton.limbs]
    names = list(skeleton.keypoints)
    return DetectAnswer(
        width=image.shape[1],
        height=image.shape[0],
        skeleton=SkeletonAnswer(name=skeleton.name, keypoints=names, limbs=limbs),
        people=[_person(number, pose) for number, pose in enumerate(poses, 1)],
    )


def _person(number: int, pose: Pose) -> PersonAnswer:
    """Pixels with 2 decimals, scores with 4 and within 0..1, as in the result file."""
    points = [
        value
        for (x, y), score in zip(pose.keypoints.tolist(), pose.scores.tolist(), strict=True)
        for value in (round(x, 2), round(y, 2), _score(score))
    ]
    return PersonAnswer(
        id=number,
        bbox=[round(float(side), 2) for side in pose.box.xywh],
        score=_score(pose.score),
        keypoints=points,
        num_keypoints=sum(score > 0 for score in points[2::3]),
    )


def _score(value: float) -> float:
    return round(min(max(float(value), 0.0), 1.0), 4)
