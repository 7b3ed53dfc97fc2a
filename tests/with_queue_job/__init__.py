"""What AP Sync does where OCA queue_job is installed: ``python3 dev test`` runs these
on a database of their own, and all others on one without it."""
