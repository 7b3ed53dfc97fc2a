from . import ap_sync_connection, ap_sync_speed, ap_sync_speed_peer
