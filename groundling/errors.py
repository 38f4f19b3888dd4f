"""Every exception that Groundling raises on purpose, in one tree.

    GroundlingError
    ├── UnknownEnvironmentError   an id that no level has (also a KeyError)
    ├── UnsupportedLevelError     a level whose rules or sentences are not compiled yet
    ├── ExtensionError            code of the user's own that cannot be imported, or lacks what is named
    ├── TaskError                 a task that cannot be imported, or finds no layout or object for its goal
    ├── SplitError                a split that does not exist or selects nothing
    ├── InstructionError          a sentence outside the grammar, a word outside the vocabulary (also a ValueError)
    │   ├── QuestionError         a text that is no question, or a program that no wording asks
    │   └── AnswerError           an answer outside the closed vocabulary
    ├── AmbiguousQuestionError    a question that has no single clear answer in a house (also a ValueError)
    ├── ActionError               an action of the wrong shape, type or range (also a ValueError)
    ├── ObservationError          an observation of the wrong shape or type given to an agent (also a ValueError)
    ├── ConfigurationError        a setting that cannot work (also a ValueError)
    │   └── UntrustedCodeError    code that a received file names, and nobody else
    ├── HouseTooSmallError        rooms that do not fit into a house (also a ValueError)
    ├── ImpossibleWishError       a wish that no house can fulfil (also a ValueError)
    ├── EnumerationError          an episode whose states are too many to be solved exactly (also a ValueError)
    ├── EpisodeError              arrays of episodes that no world can be (also a ValueError)
    ├── BankFileError             an episode bank on disk that cannot be trusted
    ├── QuestionFileError         a file of questions with missing keys, or of another version
    ├── HabitatFileError          scenes or episodes for Habitat with missing pieces, or of another version
    ├── DemonstrationFileError    demonstrations on disk that cannot be trusted, or are of another task
    ├── PreferenceFileError       a file of preferences that is torn, or of another kind, version or vocabulary
    ├── StorageError              a file that could not be written: full disk, read-only folder (also an OSError)
    ├── CheckpointError           a checkpoint that is missing, truncated or of another version
    ├── RelatednessFileError      a trained model of how actions and words are related that cannot be read
    ├── HubError                  a hub of models that cannot be reached, or has no such run
    ├── MissingPackageError       an optional package that is not installed (also an ImportError)
    ├── TrainingError             a training process that failed
    │   ├── DivergenceError       a run whose losses, rewards or parameters are not finite any more
    │   └── JobError              another process of a job failed
    │       └── ToldElsewhereError    what another process of the job tells already
    ├── WorkerError               a process that helps this one failed or died
    └── RunFolderError            a run folder that is missing, already used, or not one of a run

Each message names the likely cause and what to do about it.
"""

from __future__ import annotations


class GroundlingError(Exception):
    """Base of every error raised on purpose."""


class UnknownEnvironmentError(GroundlingError, KeyError):
    """No environment has this id."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class UnsupportedLevelError(GroundlingError):
    """The level exists, but asks for rules or sentences that are not compiled."""


class ExtensionError(GroundlingError):
    """A file or module of the user's own that cannot be imported, or that lacks what is named."""


class TaskError(GroundlingError):
    """A task that cannot be imported, or whose ``sample`` finds no layout, or no object for its goal."""


class SplitError(GroundlingError, ValueError):
    """The split does not exist, or no episode of the level belongs to it."""


class InstructionError(GroundlingError, ValueError):
    """The text is outside the grammar or the vocabulary."""


class QuestionError(InstructionError):
    """The text is no question, or no wording asks the program."""


class AnswerError(InstructionError):
    """The answer is not one of the closed vocabulary of answers."""


class AmbiguousQuestionError(GroundlingError, ValueError):
    """The question has no single clear answer in this house."""


class ActionError(GroundlingError, ValueError):
    """The actions have the wrong shape, type or range."""


class ObservationError(GroundlingError, ValueError):
    """An observation does not look like what the agent was built for."""


class ConfigurationError(GroundlingError, ValueError):
    """A setting, or a combination of settings, that cannot work."""


class UntrustedCodeError(ConfigurationError):
    """A received file names code that the person neither named nor trusts; it was not run."""


class HouseTooSmallError(GroundlingError, ValueError):
    """The rooms that a house must have do not fit into it."""


class ImpossibleWishError(GroundlingError, ValueError):
    """A wish contradicts others or what things are, or found no place in any layout."""


class EnumerationError(GroundlingError, ValueError):
    """An episode has too many states to be enumerated, or countless ones."""


class EpisodeError(GroundlingError, ValueError):
    """Arrays hold episodes that no world can be: codes, places or shapes that lead out of the arrays.

    Args:
        message: what is wrong.
        row: of the episode, where it is one's.
    """

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


class BankFileError(GroundlingError):
    """The file is not an episode bank of this version, or is damaged."""


class QuestionFileError(GroundlingError):
    """The file does not hold whole questions of this version."""


class HabitatFileError(GroundlingError):
    """A scene or episode file of Habitat is missing, not whole, or of another version; the message names the piece."""


class DemonstrationFileError(GroundlingError):
    """The file does not hold whole demonstrations of this version and of the task asked for."""


class PreferenceFileError(GroundlingError):
    """The file does not hold whole preferences of this version and of what is asked for."""


class StorageError(GroundlingError, OSError):
    """A file could not be written; what stood there before is unchanged."""


class CheckpointError(GroundlingError):
    """The checkpoint is missing, damaged, or of another version."""


class RelatednessFileError(GroundlingError):
    """The file of a model of relatedness is missing, torn, or something else."""


class HubError(GroundlingError):
    """The hub cannot be reached, does not know the person, or has no such run.

    Args:
        message: what is wrong.
        is_unreachable: nobody answered.
    """

    def __init__(self, message: str, is_unreachable: bool = False) -> None:
        super().__init__(message)
        self.is_unreachable = is_unreachable


class MissingPackageError(GroundlingError, ImportError):
    """A package that an extra of Groundling's brings is not installed; the message names the extra."""


class TrainingError(GroundlingError):
    """A training process failed."""


class DivergenceError(TrainingError):
    """A loss, a reward or a parameter of a run is NaN or infinite; nothing of that was saved."""


class JobError(TrainingError):
    """Another process of a job that trains one agent failed, or cannot be reached."""


class ToldElsewhereError(JobError):
    """What ends this process of a job is told by another one: nobody needs to read it twice."""


class WorkerError(GroundlingError):
    """A process that does a part of the work failed in a way that it could not tell, or died."""


class RunFolderError(GroundlingError):
    """The run folder is missing, already used, or not one of a run."""
