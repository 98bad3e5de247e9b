"""The shop's leads, deals and contacts, and the HubSpot tables that hold them."""
