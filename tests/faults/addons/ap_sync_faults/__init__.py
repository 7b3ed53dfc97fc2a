from . import clock, connector, failpoints, models

clock.set_up()
connector.set_up()
failpoints.set_up()
