"""What a program can mend: texts to put in a finding's place, each proved before it is shown.

Imports models, common.guard and common.user_query.
"""
