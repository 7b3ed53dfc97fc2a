from . import (
    ap_sync_connection,
    ap_sync_speed,
    ap_sync_speed_cost,
    ap_sync_speed_peer,
    ap_sync_speed_rules,
    ap_sync_speed_seed,
    ir_http,
)
