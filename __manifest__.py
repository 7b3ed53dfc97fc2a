{
    "name": "AP Sync",
    "summary": "Vendor bills to the books where they belong, each with a status",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "AP Sync founders",
    "license": "LGPL-3",
    "depends": ["account"],
    "data": [
        # Security
        "security/ap_sync_groups.xml",
        "security/ap_sync_security.xml",
        "security/ir.model.access.csv",
        # Views
        "wizards/ap_sync_assign_views.xml",
        "wizards/ap_sync_job_resolve_views.xml",
        "wizards/ap_sync_map_views.xml",
        "wizards/ap_sync_pause_views.xml",
        "wizards/ap_sync_preflight_views.xml",
        "wizards/ap_sync_retry_views.xml",
        "wizards/ap_sync_switch_on_views.xml",
        "wizards/ap_sync_trial_views.xml",
        "views/ap_sync_attempt_views.xml",
        "views/ap_sync_job_views.xml",
        "views/ap_sync_mapping_views.xml",
        "views/ap_sync_connection_views.xml",
        "views/ap_sync_rule_views.xml",
        "views/account_move_views.xml",
        "views/res_partner_views.xml",
        "views/res_users_views.xml",
        "views/res_config_settings_views.xml",
        "views/ap_sync_menus.xml",
        # Data
        "data/ir_cron_data.xml",
        "data/mail_templates.xml",
        "data/ap_sync_rule_data.xml",
        "data/ir_actions_server_data.xml",
        "data/ir_exports_data.xml",
    ],
    "demo": ["demo/ap_sync_demo.xml"],
    "assets": {
        "web.assets_backend": [
            "ap_sync/static/src/**/*",
            ("remove", "ap_sync/static/src/lazy/**/*"),
        ],
        # Odoo loads graphs and pivots when the first one is opened.
        "web.assets_backend_lazy": [
            "ap_sync/static/src/lazy/**/*",
        ],
        "web.assets_tests": [
            "ap_sync/static/tests/tours/**/*",
        ],
    },
    "application": True,
}
