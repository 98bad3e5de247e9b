"""The shop's orders, refunds, order table and exchange rates."""
