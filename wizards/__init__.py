from . import ap_sync_job_resolve
