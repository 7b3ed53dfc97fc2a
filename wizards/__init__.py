from . import ap_sync_assign
from . import ap_sync_job_resolve
from . import ap_sync_map
from . import ap_sync_pause
from . import ap_sync_preflight
from . import ap_sync_retry
from . import ap_sync_switch_on
from . import ap_sync_trial
