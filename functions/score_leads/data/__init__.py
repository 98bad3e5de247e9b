"""Leads and their outcomes, from CRM or file to arrays.

Imports nothing else of score_leads.
"""
