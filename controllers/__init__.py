from . import bill
from . import health
