"""The API is what its OpenAPI description says, for requests that fit it and for others."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

OPERATIONS = {
    ("/health", "get"),
    ("/v1/about", "get"),
    ("/v1/detect", "post"),
    ("/v1/jobs", "post"),
    ("/v1/jobs/{number}", "get"),
    ("/v1/jobs/{number}", "delete"),
    ("/v1/jobs/{number}/overlay", "get"),
    ("/v1/jobs/{number}/result", "get"),
    ("/v1/live", "get"),
    ("/v1/live/picture", "get"),
    ("/v1/live/start", "post"),
    ("/v1/live/stop", "post"),
}


KINDS = [
    *((operation, GenerationMode.POSITIVE) for operation in sorted(OPERATIONS)),
    # Of /health there is nothing that could be wrong.
    *((operation, GenerationMode.NEGATIVE) for operation in sorted(OPERATIONS)[1:]),
]


@pytest.fixture(scope="session")
def described(kept_locked, token):
    known = {"Authorization": f"Bearer {token}"}
    return schemathesis.openapi.from_url(f"{kept_locked.url}/openapi.json", headers=known)


@pytest.mark.parametrize(
    ("operation", "mode"), KINDS, ids=[f"{mode.value} {' '.join(one)}" for one, mode in KINDS]
)
def test_an_operation_keeps_to_its_description(described, locked, token, operation, mode):
    path, verb = operation
    known = {"Authorization": f"Bearer {token}"}
    strategy = described[path][verb.upper()].as_strategy(generation_mode=mode)
    locked.client.post("/v1/live/start", json={"source": "0"}, headers=known)

    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def hold(case):
        # Random bytes fit the description of a file, but are no video; a source that nobody named
        # is a text like any other: so what fits may still be refused.
        case.call_and_validate(headers=known, excluded_checks=[positive_data_acceptance])

    hold()


def test_the_description_names_every_operation(plain):
    paths = plain.client.get("/openapi.json").json()["paths"]

    assert {(path, verb) for path, verbs in paths.items() for verb in verbs} == OPERATIONS
