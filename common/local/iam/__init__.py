"""What Google's access control refuses, refused here: who holds which right on what.

Grants and roles are recorded files, read by no product code; imports local.rpc and the settings.
"""
