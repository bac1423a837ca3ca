"""Everything this package raises on purpose.

AtlasError
├── LabelConfigError      the project's label config has nothing we can learn
├── NotConfigured         a setting is missing that this action needs
├── UnknownStrategy       no query strategy has this name
├── DamagedFile           a stored file is not what its manifest says
├── TooLarge              a request goes beyond a bound; answered with 413
├── ForeignJob            a job in Redis that this package did not put there
├── ModelStoreError       the object store with the models fails; worth another try
├── NoContent             what a task shows cannot be had, or is not what it should be
│   └── NoContentNow      ... just now; worth another try
├── ProjectBusy           another worker is retraining the project; worth another try
├── LostLock              another worker has taken the project over; the work is thrown away
├── WrappedBackendError   somebody else's ML backend, which a project wraps, fails
│   ├── WrappedAway           ... nothing answers at its address
│   ├── WrappedSlow           ... or not in time
│   ├── WrappedRefuses        ... 401 or 403: it wants other credentials
│   ├── WrappedFails          ... any other error
│   ├── WrappedGarbage        ... or it answers what no ML backend answers
│   └── GenerationError       ... or a model that is to write texts does not
│       ├── NotWritten            ... of one text; of others it may
│       └── DayIsSpent            ... since it was asked for as many as it may be in a day
└── LabelStudioError      Label Studio answered with an error
    ├── Unreachable       ... or did not answer at all; worth another try
    ├── Unavailable       ... 429, 5xx, or as no Label Studio does: it is busy or broken, or another server
    │   │                 answers; worth another try, when it says so
    │   └── AnswerTooLarge    an answer of more bytes than are read
    ├── AccessDenied      ... 401 or 403
    ├── Rejected          ... 400: it does not accept what we sent
    └── NotFound          ... 404, by Label Studio itself: the project is gone, or this user cannot see it

Messages are written for the person who runs the backend: what is wrong and what to do.
"""

from __future__ import annotations


class AtlasError(Exception):
    """Base of all errors of this package."""


class LabelConfigError(AtlasError):
    """The label config has nothing we can learn."""


class NotConfigured(AtlasError):
    """A setting is missing that this action needs."""


class UnknownStrategy(AtlasError):
    """No query strategy has this name, or no control that is weighed."""


class DamagedFile(AtlasError):
    """A stored file is not what its manifest says."""


class TooLarge(AtlasError):
    """A request goes beyond a bound of the settings."""


class ForeignJob(AtlasError):
    """A job in Redis that this package did not put there."""


class ModelStoreError(AtlasError):
    """The object store with the models fails."""


class NoContent(AtlasError):
    """What a task shows cannot be had, or is not what it should be. Its message stands in lists of tasks: it
    is short, and tells no signed address."""


class NoContentNow(NoContent):
    """What a task shows cannot be had just now."""


class ProjectBusy(AtlasError):
    """Another worker is retraining the project."""


class LostLock(AtlasError):
    """Another worker has taken the project over."""


class WrappedBackendError(AtlasError):
    """Somebody else's ML backend, which a project wraps, fails. `failure`: how, in a word, for what is
    counted; `remedy`: the one thing to do; `rest`: seconds that it is to be left alone for, at least."""

    failure: str = "fails"
    remedy: str = "Look into its own log."
    rest: float = 0.0


class WrappedAway(WrappedBackendError):
    """Nothing answers at its address."""

    failure = "away"
    remedy = "Start it, or correct its address by `connect --wraps`."


class WrappedSlow(WrappedBackendError):
    """It does not answer in time."""

    failure = "slow"
    remedy = "It hangs or has too much to do: look into its own log, and restart it if it says nothing."


class WrappedRefuses(WrappedBackendError):
    """401 or 403."""

    failure = "refuses"
    remedy = "Run `connect --wraps` again with its user and password."


class WrappedFails(WrappedBackendError):
    """It answers with an error."""


class WrappedGarbage(WrappedBackendError):
    """It answers what no ML backend answers."""

    failure = "garbage"
    remedy = (
        "Is that its address, and not a page's? Else its code answers other than label-studio-ml's would."
    )


class GenerationError(WrappedBackendError):
    """A model that is to write texts does not. failure, remedy, rest: see above."""

    def __init__(self, message: str, remedy: str, *, rest: float = 0.0, failure: str = "fails"):
        super().__init__(message)
        self.remedy, self.rest, self.failure = remedy, rest, failure


class NotWritten(GenerationError, WrappedFails):
    """It does not write of one text; of others it may."""


class DayIsSpent(GenerationError):
    """It was asked for as many texts as it may be in a day."""


class LabelStudioError(AtlasError):
    """Label Studio answered with an error."""


class Unreachable(LabelStudioError):
    """Label Studio did not answer."""


class Unavailable(LabelStudioError):
    """Label Studio is busy or broken. `retry_after`: seconds it asks to be left alone, 0 when it does not."""

    def __init__(self, message: str, retry_after: float = 0):
        super().__init__(message)
        self.retry_after = retry_after


class AnswerTooLarge(Unavailable):
    """An answer of Label Studio's is larger than what is read of one."""


class AccessDenied(LabelStudioError):
    """Label Studio refused our API key."""


class Rejected(LabelStudioError):
    """Label Studio does not accept what we sent."""


class NotFound(LabelStudioError):
    """Label Studio knows no such thing, or hides it from this user."""
