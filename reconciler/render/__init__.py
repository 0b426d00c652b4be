"""Values to text, JSON and pictures. Nothing here decides, reads or writes; `cli` prints what it gives.

Text from an org or a file is shown with its control characters escaped, so that a field value
cannot move the cursor of who reads it.
"""
