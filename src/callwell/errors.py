# SPDX-License-Identifier: Apache-2.0
"""Every error that Callwell raises, grouped by who must act.

    CallwellError
    ├── UsageError                 you, in the call or the configuration    exit code 2
    │   ├── UnknownName            a provider, environment, operation or parameter that is not described
    │   ├── NameTaken              a name of an exactly-once call that already belongs to another request
    │   ├── InvalidOption          a value that an option or a parameter does not accept
    │   ├── EndUserMissing         a call without an end user, where the provider bills by end user
    │   ├── ManifestError          a manifest that cannot be read, with file and row
    │   ├── ProfileError           a description that cannot be used, with file, line and key
    │   └── InBrowser              Callwell was imported in a browser, where anyone could read the keys
    ├── KeyProblem                 you, at the key                          exit code 3
    │   ├── KeyMissing             no key at its location
    │   ├── KeyMalformed           a string that cannot be a key of this provider
    │   ├── KeyOfAnotherEnvironment  a key that another environment of the provider has accepted
    │   ├── KeyRevoked             a key that was marked as revoked, and no new one came in time
    │   └── KeyRefused             the provider refuses the key, and no new one came in time
    ├── ApiError                   the provider answered with an error      exit code 4
    │   ├── BadRequest             400, 422
    │   ├── Unauthorized           401
    │   ├── Forbidden              403
    │   ├── Missing                there is no such thing
    │   │   ├── NotFound           404: it never existed, as far as the provider says
    │   │   └── Gone               it was deleted: 410, or 404 where another call finds it among the deleted
    │   ├── Conflict               409
    │   ├── RateLimited            429, still after every permitted wait
    │   ├── ServerError            5xx, still after every permitted attempt
    │   └── UnexpectedAnswer       a response that is not described, or has an incomplete body
    │       └── AnswerTooLarge     a success with more bytes than `max_answer_bytes`
    ├── NoAnswer                   the network                              exit code 5
    │   ├── ConnectFailed          no connection: certainly not done
    │   ├── ConnectionLost         no response to a repeatable call, after every permitted attempt
    │   └── StreamCut              a stream of events or values broke off
    ├── OutcomeUnknown             you, by checking: it may have been done  exit code 6
    ├── LocalError                 this machine                             exit code 7
    │   ├── StateError             the state cannot be opened, read or written
    │   ├── DirectoryNotOurs       a directory with files that Callwell did not write
    │   ├── DiskFull               not enough free space
    │   ├── FileProblem            a file that cannot be read or written
    │   └── PortInUse              a port on which another process listens
    ├── OutOfTime                  time                                     exit code 8
    │   ├── DeadlineExceeded       the deadline passed while the call was under way
    │   └── WouldExceedDeadline    the next attempt would start after the deadline: try again at `at`
    ├── AssetError                 a file behind a signed URL               exit code 9
    │   ├── AssetUnavailable       the provider has no such file, and says so
    │   └── AssetDamaged           the file arrived damaged in every attempt
    ├── MediaError                 a media file to be sent                  exit code 10
    │   └── AudioRefused           a recording that cannot be sent, or only with losses
    ├── RowFailed                  one row of a manifest: see its `cause`   exit code 1
    ├── WebhookError               the sender: do not trust the delivery    exit code 1
    │   ├── WebhookUnsigned        no signature
    │   ├── WebhookForged          a wrong signature
    │   ├── WebhookStale           too old
    │   └── WebhookGarbled         signed, but not an event
    ├── UploadError                a large file that is sent in pieces      exit code 11
    │   ├── FileRejected           a file that the provider would reject
    │   ├── FileChanged            a file that changed while it was sent
    │   ├── UploadStopped          a part of it has arrived: `target` names the object
    │   ├── UploadMismatch         the provider reports something other than what was sent
    │   └── ProcessingFailed       the file arrived, but the provider could not process it
    └── ClosedError                the client was closed before the call    exit code 2

No message ever holds a key or a signed URL's signature. Errors of other libraries never escape: they are the
`__cause__` of one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, NotRequired, TypedDict, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


MAX_SHOWN: Final = 200
"""Characters of a wrong value that a message repeats: enough to recognise it, since it may be a whole file."""


class CallwellError(Exception):
    """The base of all errors. Every subclass can be pickled.

    Attributes:
        exit_code: the exit code of a command that ends with it.
    """

    exit_code: ClassVar[int] = 1

    def __reduce__(self) -> tuple[Callable[..., CallwellError], tuple[object, ...]]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[CallwellError], args: tuple[object, ...], attributes: Mapping[str, object]) -> CallwellError:
    error = cls.__new__(cls, *args)
    error.args = args
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


class UsageError(CallwellError):
    """The call or the configuration must be changed."""

    exit_code = 2


class UnknownName(UsageError, AttributeError):
    """A name that does not exist. The error is an `AttributeError` as well, so that `hasattr` works.

    Args:
        kind: what it should name: `provider`, `operation`, `parameter`.
        name: the name.
        known: the names that exist; the nearest are in the message.
        owner: what the names belong to, such as the provider.
        why: the reason, if a similar name would not help.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, owner: str = "", why: str = "") -> None:
        known = sorted(known)
        import difflib  # only this error needs it

        near = [] if why else difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = why or (f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}")
        super().__init__(f"unknown {kind} {name!r}{f' of {owner}' if owner else ''}: {hint}")
        self.kind = kind
        self.name = name
        self.near = tuple(near)

    def __reduce__(self) -> tuple[Callable[..., CallwellError], tuple[object, ...]]:
        return _rebuild, (type(self), self.args, {**self.__dict__, "name": self.name})  # AttributeError's own slot


def _show(value: object) -> str:
    """A value for a message: only the keys of an object, because the fields of a body may contain secrets."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: …' for key in value)}}}"
    if isinstance(value, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in value):
        return f"[{', '.join(map(_show, value))}]"
    return repr(value)


class InvalidOption(UsageError):
    """A value that an option or parameter does not accept.

    Args:
        name: the option or parameter.
        value: the value.
        expected: what it accepts, as a noun phrase.
    """

    def __init__(self, name: str, value: object, expected: str) -> None:
        shown = _show(value)
        shown = shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}…"
        super().__init__(f"{name} cannot be {shown}: expected {expected}")
        self.name = name
        self.expected = expected


class NameTaken(UsageError):
    """The name of an exactly-once call belongs to another request, or to a settled call that kept no result.

    Attributes:
        name: the name.
        object_key: the key of the object that the call of that name created, if it is known.
    """

    def __init__(self, text: str, *, name: str, object_key: str | None = None) -> None:
        super().__init__(text)
        self.name = name
        self.object_key = object_key


class EndUserMissing(UsageError):
    """A call without an end user, where every call must be made for one. Nothing was sent."""


class ManifestError(UsageError):
    """A manifest that cannot be read.

    Args:
        file: the file's path.
        reason: what is wrong with it.
        row: the line in the file, from 1; in Parquet, the row.
    """

    def __init__(self, file: str, reason: str, *, row: int | None = None) -> None:
        super().__init__(f"{file}{f':{row}' if row else ''}: {reason}")
        self.file = file
        self.reason = reason
        self.row = row


class ProfileError(UsageError):
    """A description that cannot be used.

    Args:
        file: the file's path.
        key: the dotted key.
        expected: what was expected there, and what is there instead.
        line: the line in the file, from 1, if it is known.
    """

    def __init__(self, file: str, key: str, expected: str, *, line: int | None = None) -> None:
        super().__init__(f"{file}{f':{line}' if line else ''}: {key}: {expected}")
        self.file = file
        self.key = key
        self.line = line
        self.expected = expected


class ClosedError(UsageError):
    """The client was closed before the call."""


class InBrowser(UsageError, ImportError):
    """Callwell was imported in a browser, where anyone who opens the page could read the key."""


class KeyProblem(CallwellError):
    """The key, or its location, must be corrected."""

    exit_code = 3


class KeyMissing(KeyProblem):
    """There is no key at its location."""


class KeyMalformed(KeyProblem):
    """A string that cannot be a key of this provider."""


class KeyOfAnotherEnvironment(KeyProblem):
    """A key that another environment of the provider has accepted: this one never receives it.

    Attributes:
        environment: the environment of the client.
        belongs_to: the environment that has accepted the key.
        location: the location of the key.
    """

    def __init__(self, provider: str, *, environment: str, belongs_to: str, location: str) -> None:
        super().__init__(
            f"{provider}: the key ({location}) belongs to environment {belongs_to}, but this is {environment}: use a "
            f"key of {environment}, or choose environment {belongs_to}"
        )
        self.environment = environment
        self.belongs_to = belongs_to
        self.location = location


class KeyRevoked(KeyProblem):
    """A key that `callwell keys revoked` has marked in the state: it is not sent, and its source gave no new one.

    Attributes:
        fingerprint: of the key.
        location: the location of the key.
        since: when it was marked, in seconds since the epoch.
    """

    def __init__(self, provider: str, *, fingerprint: str, location: str, since: float) -> None:
        from datetime import UTC, datetime  # only this error needs it

        at = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        super().__init__(
            f"{provider}: the key {fingerprint} ({location}) was marked as revoked at {at} and is not sent: put a new "
            f"key there, or take the mark back (callwell keys revoked {fingerprint} --undo)"
        )
        self.fingerprint = fingerprint
        self.location = location
        self.since = since


class KeyRefused(KeyProblem):
    """The provider refuses the key, and its source gave no new one in time.

    Attributes:
        code: the provider's code.
        explained: the message already contains everything that could be found out.
    """

    def __init__(self, message: str, *, code: str | None = None, explained: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.explained = explained


class CallFacts(TypedDict):
    """The facts of every failed call.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        attempts: HTTP exchanges made for the call.
        outcome: `done`, `refused` or `unknown`.
        possibly_billed: exchanges without a complete response that may have been billed, where that is counted.
    """

    provider: str
    operation: str
    attempts: int
    outcome: str
    possibly_billed: NotRequired[int]


class CallError(CallwellError):
    """A call that failed. Its attributes are those of `CallFacts`."""

    def __init__(self, text: str, **call: Unpack[CallFacts]) -> None:
        super().__init__(text)
        self.provider = call["provider"]
        self.operation = call["operation"]
        self.attempts = call["attempts"]
        self.outcome = call["outcome"]
        self.possibly_billed = call.get("possibly_billed", 0)


class Problem(NamedTuple):
    """One thing that is wrong with a request, in the provider's words.

    Attributes:
        message: the provider's words.
        code: its error code, if there is one.
        parameter: the wire name of the faulty parameter, if the provider names it.
    """

    message: str = ""
    code: str | None = None
    parameter: str | None = None


class ApiError(CallError):
    """The provider answered with an error.

    Attributes:
        status: the HTTP status.
        code: the provider's error code as text, if the response has one. Match on this, never on the message.
        message: the provider's words.
        request_id: the provider's identifier of the exchange, if the response has one.
        problems: the individual problems, if the provider lists them.
        from_gateway: the response does not look like the provider's: a proxy, gateway or portal may have written it.
    """

    exit_code = 4

    def __init__(
        self,
        text: str,
        *,
        status: int,
        code: str | None = None,
        message: str = "",
        request_id: str | None = None,
        problems: tuple[Problem, ...] = (),
        from_gateway: bool = False,
        **call: Unpack[CallFacts],
    ) -> None:
        super().__init__(text, **call)
        self.status = status
        self.code = code
        self.message = message
        self.request_id = request_id
        self.problems = problems
        self.from_gateway = from_gateway


class BadRequest(ApiError):
    """400 or 422: the provider does not accept the request."""


class Unauthorized(ApiError):
    """401: no key, or one that the provider does not know."""


class Forbidden(ApiError):
    """403: the key is valid but not allowed to do this."""


class Missing(ApiError):
    """There is no such thing: `NotFound` or `Gone`."""


class NotFound(Missing):
    """404: it never existed, as far as the provider says."""


class Gone(Missing):
    """It was deleted: 410, or 404 where another call finds it among the deleted."""


class Conflict(ApiError):
    """409: the state of the resource does not allow it."""


class RateLimited(ApiError):
    """429, still after every permitted wait."""


class ServerError(ApiError):
    """5xx, still after every permitted attempt."""


class UnexpectedAnswer(ApiError):
    """A response that is not described, or that has an incomplete body."""


class AnswerTooLarge(UnexpectedAnswer):
    """A success with more bytes than `max_answer_bytes` of the client or the profile.

    The call was done. Raise the limit, or request less: a smaller page, fewer fields.
    """


class NoAnswer(CallError):
    """The network gave no response."""

    exit_code = 5


class ConnectFailed(NoAnswer):
    """No connection could be made: the call was certainly not done."""


class ConnectionLost(NoAnswer):
    """A repeatable call got no response in any permitted attempt."""


class StreamCut(NoAnswer):
    """A stream of events or values broke off. Everything before was delivered; the call is never repeated.

    Attributes:
        items: how many parts were delivered.
        last_id: the ID of the last event, if the stream names IDs.
    """

    def __init__(self, text: str, *, items: int, last_id: str = "", **call: Unpack[CallFacts]) -> None:
        super().__init__(text, **call)
        self.items = items
        self.last_id = last_id


class OutcomeUnknown(CallError):
    """The call may have been done, and repeating it could do it twice. The message says how to find out.

    Attributes:
        status: the HTTP status, if there was a response: a 5xx does not say whether the call was done.
        code: the provider's error code, if there was a response.
        sent: method and path of the request.
        entry: the call's name in the ledger, if it is an exactly-once call.
        at: seconds since the epoch; if nothing was created by then, the call was not done. 0 if that time is unknown.
    """

    exit_code = 6

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        code: str | None = None,
        sent: str = "",
        entry: str | None = None,
        at: float = 0.0,
        **call: Unpack[CallFacts],
    ) -> None:
        super().__init__(text, **call)
        self.status = status
        self.code = code
        self.sent = sent
        self.entry = entry
        self.at = at


class OutOfTime(CallError):
    """The call did not end before its deadline.

    Attributes:
        last_error: the cause in words: how the last attempt ended, or which quota is used up; None if
            only time ran out.
    """

    exit_code = 8

    def __init__(self, text: str, *, last_error: str | None = None, **call: Unpack[CallFacts]) -> None:
        super().__init__(text, **call)
        self.last_error = last_error


class DeadlineExceeded(OutOfTime):
    """The deadline passed while the call was under way."""


class WouldExceedDeadline(OutOfTime):
    """The next attempt would start after the deadline, so it was not made.

    Attributes:
        at: seconds since the epoch at which the call could be made.
        wait_s: seconds from the error until then, for example for a `Retry-After` of your own.
    """

    def __init__(
        self,
        text: str,
        *,
        at: float,
        wait_s: float = 0.0,
        last_error: str | None = None,
        **call: Unpack[CallFacts],
    ) -> None:
        super().__init__(text, last_error=last_error, **call)
        self.at = at
        self.wait_s = wait_s


class AssetError(CallwellError):
    """A file behind a signed URL could not be downloaded."""

    exit_code = 9


class AssetUnavailable(AssetError):
    """The provider has no such file, and says so.

    Attributes:
        captured: whether a file of this kind was ever made; None if the provider does not say.
    """

    def __init__(self, message: str, *, captured: bool | None = None) -> None:
        super().__init__(message)
        self.captured = captured


class AssetDamaged(AssetError):
    """The file arrived damaged in every attempt: not the announced size or checksum."""


class MediaError(CallwellError):
    """A media file to be sent is not what the operation accepts."""

    exit_code = 10


class AudioRefused(MediaError):
    """A recording that can be sent neither unchanged nor after a lossless conversion. Nothing was sent.

    Args:
        file: the file, or `bytes`.
        reason: why, after the file's name.
        remedy: what to do.
        code: to match on: `too-long`, `silent`, `which-channel`, …
    """

    def __init__(self, file: str, reason: str, remedy: str, *, code: str) -> None:
        super().__init__(f"{file}: {reason}: {remedy}")
        self.file = file
        self.reason = reason
        self.remedy = remedy
        self.code = code


class RowFailed(CallwellError):
    """One row of a manifest failed; the others continued.

    Args:
        file: the row's file.
        cause: why it failed.
        manifest: the manifest's path, empty if there is none.
        row: the row's line there, from 1.
    """

    def __init__(self, file: str, cause: CallwellError, *, manifest: str = "", row: int = 0) -> None:
        prefix = f"{manifest}:{row}: " if manifest else ""
        text = str(cause)
        if not text.startswith(f"{file}: "):
            text = f"{file}: {text}"
        super().__init__(f"{prefix}{text}")
        self.file = file
        self.cause = cause
        self.manifest = manifest
        self.row = row


class WebhookError(CallwellError):
    """A delivery that cannot be trusted: answer it with 400, and ignore its content."""


class WebhookUnsigned(WebhookError):
    """It has no signature, or several."""


class WebhookForged(WebhookError):
    """Its signature does not match its body and the webhook's secret."""


class WebhookStale(WebhookError):
    """It was sent too long ago."""


class WebhookGarbled(WebhookError):
    """It is signed correctly but is not an event."""


class UploadError(CallwellError):
    """A large file could not be sent.

    Attributes:
        target: the key of the object that remains at the provider, to resume or delete; None if there is none.
    """

    exit_code = 11

    def __init__(self, message: str, *, target: str | None = None) -> None:
        super().__init__(message)
        self.target = target


class FileRejected(UploadError):
    """A file that the provider would reject: empty, too large, too long, or not of the type that it seems."""


class FileChanged(UploadError):
    """A file grew, shrank, was replaced or vanished while it was sent."""


class UploadMismatch(UploadError):
    """All pieces were sent, but the provider reports something else.

    Attributes:
        what: `size`, `checksum`, `pieces` or `state`; `report` if what the provider reports cannot be read.
        sent: what was sent.
        found: what the provider reports.
    """

    def __init__(self, message: str, *, target: str | None, what: str, sent: object, found: object) -> None:
        super().__init__(message, target=target)
        self.what = what
        self.sent = sent
        self.found = found


class ProcessingFailed(UploadError):
    """The file arrived, but the provider could not process it.

    Attributes:
        state: the state that the provider reports.
    """

    def __init__(self, message: str, *, target: str | None, state: str) -> None:
        super().__init__(message, target=target)
        self.state = state


class UploadStopped(UploadError):
    """An upload stopped after it had begun. The message says whether the same call resumes it.

    `__cause__` is the error that stopped it.

    Attributes:
        confirmed: number of pieces that the provider has confirmed.
        pieces: number of pieces of the file; None for a stream that was not read to its end.
    """

    def __init__(self, message: str, *, target: str | None, confirmed: int, pieces: int | None) -> None:
        super().__init__(message, target=target)
        self.confirmed = confirmed
        self.pieces = pieces


class LocalError(CallwellError):
    """Something on this machine failed."""

    exit_code = 7


class StateError(LocalError):
    """The state cannot be opened, read or written.

    Attributes:
        may_pass: the problem may be temporary: a lock, a full disk, a server that does not respond.
    """

    may_pass: bool = False


class DirectoryNotOurs(LocalError):
    """A directory with files that Callwell did not write."""


class DiskFull(LocalError):
    """There is not enough free space."""


class FileProblem(LocalError):
    """A file cannot be read or written."""


class PortInUse(LocalError):
    """Another process listens on the port."""
