{
    "name": "AP Sync Faults",
    "summary": "Part of the fault bench: never install it where real bills are",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "AP Sync",
    "license": "LGPL-3",
    "depends": ["ap_sync"],
}
