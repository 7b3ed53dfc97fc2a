from . import account_move, ap_sync_connection, ap_sync_faults
