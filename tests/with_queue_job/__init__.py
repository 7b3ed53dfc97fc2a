"""What AP Sync does where OCA queue_job is installed: ``python3 dev test`` runs these
on a database of their own, and all others on one without it.

The files are not called `test_...`: Odoo wants those imported wherever the tests of the
addon run, and these can't be without queue_job.
"""
