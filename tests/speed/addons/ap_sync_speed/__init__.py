from . import connector, models

connector.set_up()
