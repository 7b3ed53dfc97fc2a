{
    "name": "AP Sync Speed",
    "version": "19.0.1.0.0",
    "summary": "The peers that AP Sync is measured against",
    "author": "AP Sync",
    "license": "LGPL-3",
    "depends": ["ap_sync", "queue_job"],
    "data": ["security/ir.model.access.csv", "data/ir_cron.xml"],
    "installable": True,
}
