from . import test_buttons
from . import test_connector_odoo
from . import test_connector_odoo_real
from . import test_local_ledger
from . import test_reevaluate
from . import test_transport
from . import test_tours
