from unittest.mock import patch

from odoo.tools import mute_logger

from ..connectors import CONNECTORS, Capability, Receipt
from ..engine import restored
from .common import ApSyncCommon, FakeErp


class KeylessErp(FakeErp):
    """An ERP that keeps whatever it is sent, and can be asked."""

    def _keep(self, document):
        receipt = self._receipt(document)
        self.ledger[receipt.erp_id] = (document.key, receipt)
        return receipt

    def _find(self, document, erp_id):
        return [r for key, r in self.ledger.values() if key == document.key]


class RestoredCommon(ApSyncCommon):
    """A database that is restored from a backup, with an ERP that goes on."""

    def setUp(self):
        super().setUp()
        self.enterContext(mute_logger("odoo.addons.ap_sync.engine.restored"))
        self.use(Capability.LOOKUP)
        self.dispatch()

    def use(self, capability):
        """Let the connection's ERP be of another kind, none of which honours keys."""
        self.erp = KeylessErp(capability)
        self.startPatcher(patch.dict(CONNECTORS, odoo=self.erp))

    def restore(self):
        """Be another database than the one that the engine ran on."""
        identity = restored.get_identity(self.env) + "/restored"
        self.startPatcher(patch.object(restored, "get_identity", lambda env: identity))

    def sent_in_the_lost_time(self, job, **values):
        """Have the ERP hold the bill of a job as it is today."""
        document = job.move_id._prepare_ap_sync_document(job)
        receipt = self.erp._keep(document)
        if values:
            changed = Receipt(**{**receipt.__dict__, **values})
            self.erp.ledger[receipt.erp_id] = (document.key, changed)
        return receipt

    def hold(self, bill=None):
        """Return a job that waits for its connection to be resumed."""
        self.connection._pause("Period close")
        job = self.submit(bill or self.make_bill())
        self.assert_status(job, "on_hold")
        return job
