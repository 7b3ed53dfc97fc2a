"""Places between two steps of the engine where a crash would hurt most.

``reach`` does nothing. The fault bench (``tests/faults``) puts its own function here
in the Odoo processes that it breaks, and only there:

    leased     the connection's lease is committed, nothing is claimed
    claimed    T1 is committed: attempts are on record, not a byte is out
    sending    in a thread of T2, before the connector is called
    answered   in a thread of T2, the ERP has answered
    exchanged  the ERP has given new tokens, they are not stored
    recorded   T3 is committed, its effects are not
    effects    T4 has written, its transaction is open
    posted     Odoo's own ledger: T1 to T3 are written, their transaction is open
"""


def reach(name):
    """Do nothing.

    :param name: one of the places above.
    """
