"""What training learns from: recordings, their splits and licences, decoded copies, archives of patches, the loader.

Never torch at import, so that the processes which build items stay small; never a window.
"""

from training.data.auditing import Audit as Audit
from training.data.auditing import audit as audit
from training.data.auditing import usable_recordings as usable_recordings
from training.data.decoded import RATE as RATE
from training.data.decoded import Samples as Samples
from training.data.decoded import UnreadableError as UnreadableError
from training.data.decoded import cached as cached
from training.data.decoded import cached_mono as cached_mono
from training.data.decoded import read_mono as read_mono
from training.data.decoded import read_stereo as read_stereo
from training.data.licences import CLEAN_LICENCES as CLEAN_LICENCES
from training.data.licences import LICENCE_CHOICES as LICENCE_CHOICES
from training.data.manifest import NoRecordingsError as NoRecordingsError
from training.data.manifest import Recording as Recording
from training.data.manifest import performances as performances
from training.data.manifest import read_manifest as read_manifest
from training.data.manifest import recordings as recordings
from training.data.manifest import training_rows as training_rows
from training.data.places import REPOSITORY as REPOSITORY
from training.data.places import data_folder as data_folder
from training.data.places import has_development_data as has_development_data
from training.data.places import runs_folder as runs_folder
