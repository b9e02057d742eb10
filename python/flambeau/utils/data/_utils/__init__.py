"""Parts of the loader: collation, fetching, worker processes."""

from . import collate, fetch, worker

#: seconds between looks at whether the other side still lives
MP_STATUS_CHECK_INTERVAL = 5.0
