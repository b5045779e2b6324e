"""ServeSettings: what `fspose serve` may be told. is_loopback, and what follows from it."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field

from data.errors import ConfigError
from fspose_app.config import Scheme, SchemeSettings, Switch, TrackSettings

LEAST_TOKEN = 12  # characters: shorter ones can be guessed over a network


class ServeSettings(SchemeSettings):
    """Settings of `fspose serve`; `max_upload` is in megabytes, `keep_files` in minutes.

    `two_pass` is of uploaded videos.
    """

    two_pass: Switch | None = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(strict=True, ge=0, le=65535)] = 8000
    token: str | None = None
    max_upload: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 500
    keep_files: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 60
    named_only: Switch = False

    def following(self, scheme: Scheme) -> TrackSettings:
        """The settings with which an uploaded video is followed, or a source live.

        Two passes are asked of the default scheme alone: what a page chooses may have none.
        """
        shared = {name: getattr(self, name) for name in SchemeSettings.model_fields}
        two_pass = None if self.two_pass and scheme != self.scheme else self.two_pass
        return TrackSettings(**{**shared, "scheme": scheme, "two_pass": two_pass})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`. A name other than localhost may lead anywhere."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_token(host: str, token: str | None) -> None:
    """Raises ConfigError where others could come in, or the token is one to be guessed."""
    if token is None:
        if not is_loopback(host):
            raise ConfigError(
                f"Others can reach {host}, so a token is needed. Give one with --token."
            )
        return
    if len(token) < LEAST_TOKEN:
        raise ConfigError(
            f"The token has {len(token)} characters, expected at least {LEAST_TOKEN}."
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ConfigError("The token may hold ASCII letters, digits and signs, but no space.")
