from . import bill
from . import health
from . import oauth
