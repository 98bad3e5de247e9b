"""The two queries over a CRM as it was loaded: canonical records, folded, into leads and deals."""
