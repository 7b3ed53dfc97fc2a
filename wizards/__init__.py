from . import ap_sync_job_resolve
from . import ap_sync_map
from . import ap_sync_retry
