"""The control API, at `/_ycimages/`: what a test in any language may ask of a double that it does not hold.

No call of it is written to the journal, struck by a fault, late, or asked for a token.
"""
