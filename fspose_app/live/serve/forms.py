"""Form: the first file of a form (multipart/form-data), read while the form streams in."""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request


class BrokenForm(Exception):
    """A form that is not what its header says."""


class Form:
    """Bytes of a body go in, those of the first file in it come out; other fields are passed over.

    `name` is what the file was called, once its bytes come; `is_whole` says that the form has come
    to its end.
    """

    def __init__(self, boundary: bytes) -> None:
        self.name = ""
        self.is_whole = False
        self._files = 0
        self._is_inside = False
        self._header, self._value, self._disposition = b"", b"", b""
        self._taken = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_field": self._add_to_header,
                "on_header_value": self._add_to_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin_part,
                "on_part_data": self._add,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def file_in(self, chunk: bytes) -> bytes:
        """The file's bytes among the next ones of the body. Raises BrokenForm."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BrokenForm from error
        taken = bytes(self._taken)
        self._taken.clear()
        return taken

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _begin_part(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        self._disposition = b""
        if b"filename" in options:
            self._files += 1
            self._is_inside = self._files == 1
            if self._is_inside:
                self.name = options[b"filename"].decode("utf-8", "replace")

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._is_inside:
            self._taken += data[start:end]

    def _end_part(self) -> None:
        self._is_inside = False

    def _end(self) -> None:
        self.is_whole = True


def form_of(request: Request) -> Form | None:
    """The reader for a request's form; None where the body is no form. Raises BrokenForm."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        return None
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise BrokenForm
    try:
        return Form(boundary)
    except FormParserError as error:
        raise BrokenForm from error
