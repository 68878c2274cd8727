# SPDX-License-Identifier: Apache-2.0
"""Every error that Callwell raises, split by who must act.

    CallwellError
    ├── UsageError                 you, in the call or the configuration        exit code 2
    │   ├── UnknownName            a provider, environment, operation or parameter that is not described
    │   ├── NameTaken              a name of a call that must be made exactly once, and that stands for something else
    │   ├── InvalidOption          a value that an option or a parameter cannot take
    │   ├── EndUserMissing         a call names no end user, and the plan bills by them
    │   ├── ManifestError          a manifest that cannot be understood, with file and row
    │   ├── ProfileError           a description that does not say what it must, with file, line and key
    │   └── InBrowser              Callwell was imported in a browser, where everybody would see the keys
    ├── KeyProblem                 you, where the key is kept                   exit code 3
    │   ├── KeyMissing             no key where one was looked for
    │   ├── KeyMalformed           a key that cannot be one of this provider's
    │   ├── KeyOfAnotherEnvironment  a key that the provider has accepted in another environment
    │   └── KeyRefused             the provider says that the key is dead, and no new one came in time
    ├── ApiError                   the provider answered: its answer is in it   exit code 4
    │   ├── BadRequest             400, 422
    │   ├── Unauthorized           401
    │   ├── Forbidden              403
    │   ├── Missing                nothing there
    │   │   ├── NotFound           404: it never existed, as far as the provider says
    │   │   └── Gone               it was deleted: 410, or 404 if another operation confirms it
    │   ├── Conflict               409
    │   ├── RateLimited            429, still after every permitted wait
    │   ├── ServerError            5xx, still after every permitted attempt
    │   └── UnexpectedAnswer       an answer that is not described, or with a body that is not whole
    │       └── AnswerTooLarge     a success with more bytes than `max_answer_bytes`
    ├── NoAnswer                   the network                                  exit code 5
    │   ├── ConnectFailed          no connection: surely not done
    │   └── ConnectionLost         no answer to a call that may be repeated, after every permitted attempt
    ├── OutcomeUnknown             you, by looking: it may have been done       exit code 6
    ├── LocalError                 this machine                                 exit code 7
    │   ├── StateError             the state cannot be opened, read or written
    │   ├── DirectoryNotOurs       a directory with things in it that Callwell did not put there
    │   ├── DiskFull               less room than the work needs
    │   ├── FileProblem            a file that cannot be read or written
    │   └── PortInUse              a port that another process listens on
    ├── OutOfTime                  time                                         exit code 8
    │   ├── DeadlineExceeded       the deadline passed while the call was under way
    │   └── WouldExceedDeadline    the wait cannot fit the deadline: come back at `at`
    ├── AssetError                 a file behind a signed URL                   exit code 9
    │   ├── AssetUnavailable       the provider has no such file, and says so
    │   └── AssetDamaged           what arrived is not what was announced, again and again
    ├── MediaError                 a file that is to be sent                    exit code 10
    │   └── AudioRefused           a recording that cannot be sent, nor made so without loss
    ├── RowFailed                  one row of many: `cause` says who must act   exit code 1
    ├── WebhookError               nobody: a delivery that is not to be believed exit code 1
    │   ├── WebhookUnsigned        no signature
    │   ├── WebhookForged          a signature of something else
    │   ├── WebhookStale           older than is accepted
    │   └── WebhookGarbled         signed, and no event
    ├── UploadError                a large file that is sent in pieces          exit code 11
    │   ├── FileUnfit              a file that the provider would not take
    │   ├── FileChanged            a file that changed while it was sent
    │   ├── UploadStopped          some of it is there: `target` names the object
    │   ├── UploadMismatch         what the provider says it has is not what was sent
    │   └── ProcessingFailed       the file is there, and the provider says that it cannot use it
    └── ClosedError                the client was closed before the call        exit code 2

No message ever holds a key or a signed URL's signature. Errors of other libraries never escape: they are the
`__cause__` of one of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, NotRequired, TypedDict, Unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


SHOWN: Final = 200
"""Characters of a wrong value that a message repeats: it may be a whole file."""


class CallwellError(Exception):
    """The root. Every subclass can be pickled and has the exit code with which a command ends.

    Attributes:
        exit_code: what the command line returns for it.
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
    """A name that nothing answers to; as an attribute, it is simply not there.

    Args:
        kind: what it should have named: `provider`, `operation`, `parameter`.
        name: the name.
        known: the names that exist; the nearest are in the message.
        where: what it is a name of.
        why: what is wrong, where a near name would not help.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], *, where: str = "", why: str = "") -> None:
        known = sorted(known)
        import difflib  # only this error needs it

        near = [] if why else difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = why or (f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known) or 'none'}")
        super().__init__(f"unknown {kind} {name!r}{f' of {where}' if where else ''}: {hint}")
        self.kind = kind
        self.name = name
        self.near = tuple(near)

    def __reduce__(self) -> tuple[Callable[..., CallwellError], tuple[object, ...]]:
        return _rebuild, (type(self), self.args, {**self.__dict__, "name": self.name})  # AttributeError's own slot


class InvalidOption(UsageError):
    """A value that an option or parameter cannot take.

    Args:
        name: the option or parameter.
        value: what was given.
        expected: what it takes, as a noun phrase.
    """

    def __init__(self, name: str, value: object, expected: str) -> None:
        shown = repr(value)
        shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
        super().__init__(f"{name} cannot be {shown}: expected {expected}")
        self.name = name
        self.expected = expected


class NameTaken(UsageError):
    """The name of an exactly-once call is taken: by another request, or a settled call without a kept result.

    Attributes:
        name: the name.
        made: the key of the object that the call of that name created, if known.
    """

    def __init__(self, text: str, *, name: str, made: str | None = None) -> None:
        super().__init__(text)
        self.name = name
        self.made = made


class EndUserMissing(UsageError):
    """A call names no end user, and the plan requires one. Nothing was sent."""


class ManifestError(UsageError):
    """A manifest that cannot be understood.

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
        expected: what was expected there, and what was found.
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
    """Callwell was imported in a browser's interpreter: a key there is a key for everybody who opens the page."""


class KeyProblem(CallwellError):
    """The key, or the source it is read from, needs to be fixed."""

    exit_code = 3


class KeyMissing(KeyProblem):
    """There is no key where one was looked for."""


class KeyMalformed(KeyProblem):
    """A text that cannot be a key of this provider."""


class KeyOfAnotherEnvironment(KeyProblem):
    """A key that the provider has accepted in another environment: nothing is sent with it in this one.

    Attributes:
        environment: the one in which it was to be used.
        belongs_to: the one that has accepted it.
        where: the place where it is kept.
    """

    def __init__(self, provider: str, *, environment: str, belongs_to: str, where: str) -> None:
        super().__init__(
            f"{provider}: the key ({where}) belongs to environment {belongs_to}, but this is {environment}: use a "
            f"key of {environment}, or choose environment {belongs_to}"
        )
        self.environment = environment
        self.belongs_to = belongs_to
        self.where = where


class KeyRefused(KeyProblem):
    """The provider says that the key is dead, and its source gave no new one in time.

    Attributes:
        code: the provider's code.
        explained: the message says all that could be found out.
    """

    def __init__(self, message: str, *, code: str | None = None, explained: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.explained = explained


class CallFacts(TypedDict):
    """What every failed call has in common.

    Attributes:
        provider: the provider's name.
        operation: the operation's name.
        attempts: HTTP exchanges made for the call.
        outcome: what is known: `done`, `refused` or `unknown`.
        possibly_billed: exchanges without a whole answer that the provider may have billed, as far as that is counted.
    """

    provider: str
    operation: str
    attempts: int
    outcome: str
    possibly_billed: NotRequired[int]


class CallError(CallwellError):
    """A call that failed; its attributes are those of `CallFacts`."""

    def __init__(self, text: str, **call: Unpack[CallFacts]) -> None:
        super().__init__(text)
        self.provider = call["provider"]
        self.operation = call["operation"]
        self.attempts = call["attempts"]
        self.outcome = call["outcome"]
        self.possibly_billed = call.get("possibly_billed", 0)


class Problem(NamedTuple):
    """One thing that is wrong with a request, as the provider says it.

    Attributes:
        message: the provider's words.
        code: its error code, if it gave one.
        parameter: the name on the wire of what is wrong, if it said.
    """

    message: str = ""
    code: str | None = None
    parameter: str | None = None


class ApiError(CallError):
    """The provider answered with an error.

    Attributes:
        status: the HTTP status.
        code: the provider's error code as text, if the answer had one. Match on this, never on the message.
        message: the provider's words.
        request_id: the provider's name for the exchange, if it gave one.
        problems: what is wrong one by one, where the provider says so.
        from_gateway: the answer does not look like the provider's: a proxy, gateway or portal may have written it.
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
    """400 or 422: the request is not what the provider takes."""


class Unauthorized(ApiError):
    """401: no key, or not one that the provider knows."""


class Forbidden(ApiError):
    """403: known, and not allowed."""


class Missing(ApiError):
    """There is nothing: `NotFound` or `Gone`."""


class NotFound(Missing):
    """404: as far as the provider says, it never existed."""


class Gone(Missing):
    """It was deleted: 410, or a 404 where another operation of the provider confirms it."""


class Conflict(ApiError):
    """409: the state of the thing does not allow it."""


class RateLimited(ApiError):
    """429, still after every permitted wait."""


class ServerError(ApiError):
    """5xx, still after every permitted attempt."""


class UnexpectedAnswer(ApiError):
    """An answer that is not described, or with a body that did not arrive whole."""


class AnswerTooLarge(UnexpectedAnswer):
    """A success with more bytes than `max_answer_bytes` of the client or of the profile allows.

    The call was done. Raise the bound, or ask for less at once: a smaller page, fewer fields.
    """


class NoAnswer(CallError):
    """The network gave no answer."""

    exit_code = 5


class ConnectFailed(NoAnswer):
    """No connection could be made: the call was surely not done."""


class ConnectionLost(NoAnswer):
    """A call that may be repeated got no answer in any permitted attempt."""


class OutcomeUnknown(CallError):
    """The call may have been done, and repeating it could do it twice. The message says how to find out.

    Attributes:
        status: the HTTP status, if there was an answer (a 5xx after which nothing is known).
        code: the provider's error code, likewise.
        sent: method and path of the request.
        entry: the call's name in the ledger, if it was to be made exactly once.
        at: seconds since the epoch from when on it is sure that what is not there then was not done; 0 if nobody knows.
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
    """The call's time did not suffice.

    Attributes:
        last_error: what kept it from being done, in words: how the last attempt ended, or which quota is used up; None
            if nothing did but the time.
    """

    exit_code = 8

    def __init__(self, text: str, *, last_error: str | None = None, **call: Unpack[CallFacts]) -> None:
        super().__init__(text, **call)
        self.last_error = last_error


class DeadlineExceeded(OutOfTime):
    """The deadline passed while the call was under way."""


class WouldExceedDeadline(OutOfTime):
    """A wait that cannot fit the deadline: nothing was sent after it was known.

    Attributes:
        at: seconds since the epoch at which the call could be made.
        wait_s: seconds until then, from when the error was raised: for a `Retry-After` of your own.
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
    """A file behind a signed URL could not be had."""

    exit_code = 9


class AssetUnavailable(AssetError):
    """The provider has no such file, and says so.

    Attributes:
        captured: whether the provider says that this kind of file was made at all; None if it does not say.
    """

    def __init__(self, message: str, *, captured: bool | None = None) -> None:
        super().__init__(message)
        self.captured = captured


class AssetDamaged(AssetError):
    """What arrived is not what was announced, again and again."""


class MediaError(CallwellError):
    """A file that is to be sent is not what the operation takes."""

    exit_code = 10


class AudioRefused(MediaError):
    """A recording that cannot be sent as it is, nor made so without loss: nothing was sent.

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
    """One row of a manifest could not be done; the others went on.

    Args:
        file: the row's file.
        cause: why.
        manifest: the file of the manifest, empty if there is none.
        row: its line there, from 1.
    """

    def __init__(self, file: str, cause: CallwellError, *, manifest: str = "", row: int = 0) -> None:
        where = f"{manifest}:{row}: " if manifest else ""
        said = str(cause)
        super().__init__(f"{where}{said if said.startswith(f'{file}: ') else f'{file}: {said}'}")
        self.file = file
        self.cause = cause
        self.manifest = manifest
        self.row = row


class WebhookError(CallwellError):
    """A delivery that is not to be believed: answer it with 400, and do nothing of what it says."""


class WebhookUnsigned(WebhookError):
    """It has no signature, or several."""


class WebhookForged(WebhookError):
    """Its signature is not that of its body under the webhook's secret."""


class WebhookStale(WebhookError):
    """It was sent longer ago than is accepted."""


class WebhookGarbled(WebhookError):
    """It is signed, and no event."""


class UploadError(CallwellError):
    """A large file could not be sent.

    Attributes:
        target: the provider's name of the object that is left behind, to go on with or to delete; None for none.
    """

    exit_code = 11

    def __init__(self, message: str, *, target: str | None = None) -> None:
        super().__init__(message)
        self.target = target


class FileUnfit(UploadError):
    """A file that the provider would not take: empty, too large, too long, or not what it seems to be."""


class FileChanged(UploadError):
    """A file grew, shrank, was replaced or vanished while it was sent."""


class UploadMismatch(UploadError):
    """All pieces were sent, and the provider says that it has something else.

    Attributes:
        what: `size`, `checksum`, `pieces` or `state`.
        sent: what was sent.
        found: what the provider says it has.
    """

    def __init__(self, message: str, *, target: str | None, what: str, sent: object, found: object) -> None:
        super().__init__(message, target=target)
        self.what = what
        self.sent = sent
        self.found = found


class ProcessingFailed(UploadError):
    """The file is there, and the provider says that it cannot make of it what was waited for.

    Attributes:
        state: the provider's word for it.
    """

    def __init__(self, message: str, *, target: str | None, state: str) -> None:
        super().__init__(message, target=target)
        self.state = state


class UploadStopped(UploadError):
    """An upload that has begun did not end; the message says whether the same call goes on with it.

    The error that stopped it is the cause.

    Attributes:
        confirmed: pieces that the provider has.
        pieces: pieces of the file; None for a stream that was not read to its end.
    """

    def __init__(self, message: str, *, target: str | None, confirmed: int, pieces: int | None) -> None:
        super().__init__(message, target=target)
        self.confirmed = confirmed
        self.pieces = pieces


class LocalError(CallwellError):
    """This machine cannot do it."""

    exit_code = 7


class StateError(LocalError):
    """The state cannot be opened, read or written."""


class DirectoryNotOurs(LocalError):
    """A directory with things in it that Callwell did not put there."""


class DiskFull(LocalError):
    """There is less room than the work needs."""


class FileProblem(LocalError):
    """A file cannot be read or written."""


class PortInUse(LocalError):
    """Another process listens on the port."""
